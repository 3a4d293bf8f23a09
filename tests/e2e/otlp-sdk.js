// otlp-sdk.js NAME PORT [TARGET]: a service instrumented by the OpenTelemetry SDK, which
// calls TARGET for each request; where and how it sends is in the environment.
'use strict';
const [, , name, port, target] = process.argv;
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { getNodeAutoInstrumentations } = require('@opentelemetry/auto-instrumentations-node');

process.env.OTEL_SERVICE_NAME = name;
const sdk = new NodeSDK({ instrumentations: [getNodeAutoInstrumentations()] });
sdk.start();

const { createServer, get } = require('http');
const call = (url) => new Promise((done) => {
	get(url, (r) => { r.resume(); r.on('end', done); }).on('error', done);
});
const server = createServer(async (request, response) => {
	if (target) await call(target);
	response.statusCode = request.url === '/bad' ? 500 : 200;
	response.end('x');
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.on('SIGTERM', async () => {
	server.close();
	await sdk.shutdown();
	process.exit(0);
});
