// zipkin-service.js NAME PORT [UPSTREAM-PORT UPSTREAM]: a service that zipkin-js traces, not
// OpenTelemetry. Every fifth request to the last of a chain fails. With JOIN=1 both sides of
// a request share an id, as Brave has it; with LONG=1 trace ids have 128 bits.
'use strict';
const express = require('express');
const fetch = require('node-fetch');
const { Tracer, BatchRecorder, jsonEncoder: { JSON_V2 } } = require('zipkin');
const { HttpLogger } = require('zipkin-transport-http');
const { expressMiddleware } = require('zipkin-instrumentation-express');
const CLSContext = require('zipkin-context-cls');
const wrapFetch = require('zipkin-instrumentation-fetch');

const [name, port, upstreamPort, upstream] = process.argv.slice(2);
const logger = new HttpLogger({ endpoint: process.env.ZIPKIN, jsonEncoder: JSON_V2, httpInterval: 300, fetchImplementation: fetch });
const tracer = new Tracer({
	ctxImpl: new CLSContext('zipkin', true), recorder: new BatchRecorder({ logger }), localServiceName: name,
	supportsJoin: process.env.JOIN === '1', traceId128Bit: process.env.LONG === '1',
});
const traced = upstream && wrapFetch(fetch, { tracer, remoteServiceName: upstream });
let n = 0;

const app = express();
app.use(expressMiddleware({ tracer, serviceName: name, port: Number(port) }));
app.get('/work', async (request, response) => {
	if (traced) response.status((await traced(`http://127.0.0.1:${upstreamPort}/work`)).status).end();
	else response.status(++n % 5 ? 200 : 500).end();
});
app.listen(Number(port), '127.0.0.1', () => console.log('ready'));
