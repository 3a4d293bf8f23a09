/*
 * quota - who of those that push may push more when there is little room.
 *
 * What each client sent is kept in bytes that halve every second. As long as there is
 * room nobody is asked about it. Under pressure a client that has sent more than its
 * share, which is what all have sent divided by how many they are, is told to come
 * back; the others find the room that is left. A client that is alone has all of it.
 */
#ifndef WEIR_INPUT_QUOTA_H
#define WEIR_INPUT_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct quota;

/* @pressed: is there little room now? It gets @ctx. */
struct quota *quota_new(bool (*pressed)(void *ctx), void *ctx);
void quota_free(struct quota *q);

/*
 * Who is at the other end: its address, with a port too where all clients are on this
 * machine and have the same one.
 */
uint64_t quota_client(const struct sockaddr_storage *from, bool loopback);

/* May @client send something now? True when @q is NULL. */
bool quota_allows(struct quota *q, uint64_t client, int64_t now_us);

/* @client has sent @bytes that were taken. */
void quota_charge(struct quota *q, uint64_t client, size_t bytes, int64_t now_us);

#endif
