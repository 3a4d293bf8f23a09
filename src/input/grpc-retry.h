/*
 * grpc-retry - when a client that was turned away may come back, in gRPC's words.
 */
#ifndef WEIR_SRC_INPUT_GRPC_RETRY_H
#define WEIR_SRC_INPUT_GRPC_RETRY_H

#include "weir/base/buf.h"

/*
 * Append what belongs into `grpc-status-details-bin`: a google.rpc.Status of @code with
 * a RetryInfo of @seconds, 1 to 127, in base64. Senders of OTLP try RESOURCE_EXHAUSTED
 * again only when this is there.
 */
void grpc_put_retry(struct buf *out, int code, int seconds);

#endif
