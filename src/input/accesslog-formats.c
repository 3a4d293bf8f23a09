/*
 * Sources of the names: nginx's ngx_http_log_module and upstream variables; HAProxy
 * 2.6 configuration manual §8.2.6 (log-format); Caddy 2 "Logs" JSON structure;
 * Traefik v3 access log fields; Envoy "Access logging" and Istio's default JSON
 * provider. nginx and HAProxy log what the administrator's format says: the rows
 * here follow the variables' own names, as the examples in weir-agent(1) do.
 */
#include "config.h"

#include "accesslog-formats.h"

#include "weir/base/util.h"
#include "weir/input/accesslog.h"

#define S 1e6
#define MS 1e3
#define NS 1e-3

#define ENVOY_PLACES                                                                  \
	{                                                                             \
		[LOG_TIME] = { "start_time", 0 }, [LOG_LATENCY] = { "duration", MS }, \
		[LOG_UPSTREAM_LATENCY] = { "duration", MS },                          \
		[LOG_STATUS] = { "response_code", 0 },                                \
		[LOG_GRPC_STATUS] = { "grpc_status", 0 },                             \
		[LOG_METHOD] = { "method", 0 }, [LOG_PATH] = { "path", 0 },           \
		[LOG_UPSTREAM] = { "upstream_cluster", 0 },                           \
		[LOG_UPSTREAM_ADDRESS] = { "upstream_host", 0 },                      \
		[LOG_HOST] = { "authority", 0 },                                      \
		[LOG_BYTES_IN] = { "bytes_received", 0 },                             \
		[LOG_BYTES_OUT] = { "bytes_sent", 0 },                                \
		[LOG_TRACE] = { "traceparent", 0 },                                   \
		[LOG_FLAGS] = { "response_flags", 0 },                                \
	}

#define WORD_PLACES                                                         \
	{                                                                   \
		[LOG_TIME] = { "time", 0 }, [LOG_STATUS] = { "status", 0 }, \
		[LOG_METHOD] = { "method", 0 }, [LOG_PATH] = { "path", 0 }, \
		[LOG_BYTES_OUT] = { "size", 0 },                            \
	}

/* Apache's "common", and whatever stands behind it, by its number. */
static const char *const common_words[] = { "status", "size", NULL };

/* Traefik's own form of "common", which it writes unless told to write JSON. */
static const char *const traefik_words[] = { "DownstreamStatus", "DownstreamContentSize",
	"request_Referer", "request_User-Agent", "RequestCount", "RouterName",
	"ServiceAddr", "Duration", NULL };

/* Envoy's default; Istio's has more of them. */
static const char *const envoy_words[] = { "response_code", "response_flags",
	"bytes_received", "bytes_sent", "duration", "upstream_service_time",
	"x_forwarded_for", "user_agent", "request_id", "authority", "upstream_host",
	NULL };

static const char *const istio_words[] = { "response_code", "response_flags",
	"response_code_details", "connection_termination_details",
	"upstream_transport_failure_reason", "bytes_received", "bytes_sent", "duration",
	"upstream_service_time", "x_forwarded_for", "user_agent", "request_id",
	"authority", "upstream_host", "upstream_cluster", "upstream_local_address",
	"downstream_local_address", "downstream_remote_address", "requested_server_name",
	"route_name", NULL };

const struct log_format log_formats[] = {
	{
		.id = "nginx",
		.dialect = DIALECT_NGINX,
		.place = {
			[LOG_TIME] = { "msec", 0 },
			[LOG_LATENCY] = { "request_time", S },
			[LOG_UPSTREAM_LATENCY] = { "upstream_response_time", S },
			[LOG_STATUS] = { "status", 0 },
			[LOG_UPSTREAM_STATUS] = { "upstream_status", 0 },
			[LOG_METHOD] = { "request_method", 0 },
			[LOG_PATH] = { "uri", 0 },
			[LOG_UPSTREAM] = { "proxy_host", 0 },
			[LOG_UPSTREAM_ADDRESS] = { "upstream_addr", 0 },
			[LOG_HOST] = { "host", 0 },
			[LOG_BYTES_IN] = { "request_length", 0 },
			[LOG_BYTES_OUT] = { "bytes_sent", 0 },
			[LOG_TRACE] = { "http_traceparent", 0 },
		},
	},
	{
		.id = "haproxy",
		.dialect = DIALECT_HAPROXY,
		.time_is_start = true,
		.place = {
			[LOG_TIME] = { "ts", 0 },
			[LOG_MILLIS] = { "ms", 0 },
			[LOG_LATENCY] = { "Ta", MS },
			[LOG_UPSTREAM_LATENCY] = { "Tr", MS },
			[LOG_CONNECT] = { "Tc", MS },
			[LOG_QUEUE] = { "Tw", MS },
			[LOG_STATUS] = { "status", 0 },
			[LOG_METHOD] = { "method", 0 },
			[LOG_PATH] = { "uri", 0 },
			[LOG_UPSTREAM] = { "backend", 0 },
			[LOG_UPSTREAM_ADDRESS] = { "server_ip", 0 },
			[LOG_BYTES_IN] = { "bytes_uploaded", 0 },
			[LOG_BYTES_OUT] = { "bytes_read", 0 },
			[LOG_FLAGS] = { "termination_state", 0 },
			[LOG_RETRIES] = { "retries", 0 },
		},
	},
	{
		.id = "caddy",
		.dialect = DIALECT_CADDY,
		.place = {
			[LOG_TIME] = { "ts", 0 },
			[LOG_LATENCY] = { "duration", S },
			[LOG_STATUS] = { "status", 0 },
			[LOG_METHOD] = { "request.method", 0 },
			[LOG_PATH] = { "request.uri", 0 },
			[LOG_HOST] = { "request.host", 0 },
			[LOG_BYTES_IN] = { "bytes_read", 0 },
			[LOG_BYTES_OUT] = { "size", 0 },
			[LOG_TRACE] = { "request.headers.Traceparent", 0 },
			[LOG_LOGGER] = { "logger", 0 },
		},
	},
	{
		.id = "traefik",
		.words = traefik_words,
		.time_is_start = true,
		.place = {
			[LOG_TIME] = { "StartUTC", 0 },
			[LOG_LATENCY] = { "Duration", NS },
			[LOG_UPSTREAM_LATENCY] = { "OriginDuration", NS },
			[LOG_STATUS] = { "DownstreamStatus", 0 },
			[LOG_UPSTREAM_STATUS] = { "OriginStatus", 0 },
			[LOG_METHOD] = { "RequestMethod", 0 },
			[LOG_PATH] = { "RequestPath", 0 },
			[LOG_UPSTREAM] = { "ServiceName", 0 },
			[LOG_UPSTREAM_ADDRESS] = { "ServiceAddr", 0 },
			[LOG_HOST] = { "RequestHost", 0 },
			[LOG_BYTES_IN] = { "RequestContentSize", 0 },
			[LOG_BYTES_OUT] = { "DownstreamContentSize", 0 },
			[LOG_TRACE] = { "TraceId", 0 },
			[LOG_RETRIES] = { "RetryAttempts", 0 },
		},
	},
	{
		.id = "envoy",
		.dialect = DIALECT_ENVOY,
		.time_is_start = true,
		.place = ENVOY_PLACES,
		.words = envoy_words,
	},
	{
		.id = "istio",
		.dialect = DIALECT_ENVOY,
		.time_is_start = true,
		.no_front = true,
		.place = ENVOY_PLACES,
		.words = istio_words,
	},
	{ .id = "combined",
		.only_words = true,
		.place = WORD_PLACES,
		.words = common_words },
	{ .id = "common",
		.only_words = true,
		.place = WORD_PLACES,
		.words = common_words },
	{ .id = "custom" },
};

const unsigned log_format_count = ARRAY_LEN(log_formats);

const char *const accesslog_format_names[] = { "nginx", "haproxy", "caddy", "traefik",
	"envoy", "istio", "combined", "common", "custom", NULL };

const char *const log_field_keys[] = {
#define X(id, key) key,
	LOG_FIELD_LIST(X)
#undef X
		NULL
};
