/*
 * notify - tell the service manager how things are (systemd's sd_notify protocol).
 *
 * One datagram to the socket named by $NOTIFY_SOCKET; nothing where there is none.
 */
#ifndef WEIR_SRC_CMD_NOTIFY_H
#define WEIR_SRC_CMD_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"; several lines are well. */
void notify(const char *what);

/* How often it wants to hear "WATCHDOG=1"; 0: never. */
int64_t notify_watchdog_us(void);

#endif
