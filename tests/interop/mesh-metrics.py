#!/usr/bin/env python3
"""Print what the proxies of meshes and service graphs expose, at one moment.

usage: mesh-metrics.py STEP

Names and labels are those of each project's documentation. With each STEP there are ten
requests more from outside to the gateway, of which one fails, six from it to the cart (two
fail) and four from that to its data base; the latencies are 3, 30 and 300 ms in turn.
"""
import sys

STEP = int(sys.argv[1])
EDGES = [("user", "gateway", 10, 1), ("gateway", "cart", 6, 2), ("cart", "redis", 4, 0)]
LATENCIES = [0.003, 0.03, 0.3]


def series(name, labels, value):
    print(name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "} " + f"{value:g}")


def histogram(name, labels, n, bounds, unit):
    seconds = [LATENCIES[i % 3] for i in range(n)]
    for bound in [*bounds, float("inf")]:
        le = "+Inf" if bound == float("inf") else f"{bound:g}"
        series(name + "_bucket", {**labels, "le": le}, sum(1 for s in seconds if s * unit <= bound))
    series(name + "_sum", labels, sum(seconds) * unit)
    series(name + "_count", labels, n)


def istio(src, dst, good, bad):
    """Each request is counted by both proxies, where there are two."""
    for reporter in ["destination"] if src == "user" else ["source", "destination"]:
        for code, n in (("200", good), ("503", bad)):
            labels = {"reporter": reporter, "source_workload": "unknown" if src == "user" else src,
                      "source_canonical_service": "unknown" if src == "user" else src,
                      "destination_workload": dst, "destination_canonical_service": dst,
                      "destination_service": f"{dst}.shop.svc.cluster.local", "request_protocol": "http",
                      "response_code": code, "response_flags": "-", "grpc_response_status": ""}
            series("istio_requests_total", labels, n)
            histogram("istio_request_duration_milliseconds", labels, n, [1, 5, 50, 500, 1000], 1000)


def servicegraph(src, dst, good, bad, kind):
    labels = {"client": src, "server": dst, "connection_type": kind}
    series("traces_service_graph_request_total", labels, good + bad)
    if bad:
        series("traces_service_graph_request_failed_total", labels, bad)
    for side in "client", "server":
        histogram(f"traces_service_graph_request_{side}_seconds", labels, good + bad, [0.01, 0.1, 1], 1)


def linkerd(src, dst, good, bad):
    if src == "user":
        labels = {"direction": "inbound", "deployment": dst, "tls": "no_identity"}
    else:
        labels = {"direction": "outbound", "deployment": src, "dst_deployment": dst, "tls": "true"}
    for word, code, n in (("success", "200", good), ("failure", "503", bad)):
        series("response_total", {**labels, "classification": word, "status_code": code}, n)
        histogram("response_latency_ms", {**labels, "status_code": code}, n, [1, 10, 100, 1000], 1000)


def hubble(src, dst, good, bad):
    labels = {"source_workload": "" if src == "user" else src, "destination_workload": dst,
              "reporter": "server", "method": "GET"}
    for status, n in (("200", good), ("503", bad)):
        series("hubble_http_requests_total", {**labels, "protocol": "HTTP/1.1", "status": status}, n)
    histogram("hubble_http_request_duration_seconds", labels, good + bad, [0.01, 0.1, 1], 1)


def beyla(src, dst, good, bad, kind):
    labels = {"service_name": src, "server_address": dst}
    if kind == "database":
        histogram("db_client_operation_duration_seconds", {**labels, "db_operation_name": "GET"}, good, [0.01, 0.1, 1], 1)
        return
    for status, n in (("200", good), ("503", bad)):
        histogram("http_client_request_duration_seconds",
                  {**labels, "http_request_method": "GET", "http_response_status_code": status}, n, [0.01, 0.1, 1], 1)


for src, dst, calls, failed in EDGES:
    kind = "database" if dst == "redis" else "virtual_node" if src == "user" else ""
    good, bad = (calls - failed) * STEP, failed * STEP
    servicegraph(src, dst, good, bad, kind)
    if src != "user":
        beyla(src, dst, good, bad, kind)
    if kind != "database":
        istio(src, dst, good, bad)
        linkerd(src, dst, good, bad)
        hubble(src, dst, good, bad)
