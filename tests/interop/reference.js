// reference.js - captured bodies, and what an independent pairing makes of their spans.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');

exports.tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-captures-'));
process.on('exit', () => fs.rmSync(exports.tmp, { recursive: true }));

// Unpacks RUN/PERIOD.tar.gz; gives the folder with its files.
exports.unpack = (archive) => {
	const dir = fs.mkdtempSync(path.join(exports.tmp, 'x'));
	execFileSync('tar', ['-xzf', archive, '-C', dir]);
	return path.join(dir, fs.readdirSync(dir)[0]);
};

// { spans, formats } of an unpacked period. RIG has the reader.
exports.bodies = (dir, rig) => {
	const { readTraces } = require(path.join(rig, 'tools/otlp.js'));
	const spans = [], formats = new Set();
	for (const line of fs.readFileSync(path.join(dir, 'index.jsonl'), 'utf8').trim().split('\n')) {
		const e = JSON.parse(line);
		const type = (e.headers['content-type'] || '').replace(/.*\/|;.*/g, '');
		formats.add(e.kind === 'otlphttp' ? type.replace('x-', '') : e.kind.replace('otlp', ''));
		if (e.signal === 'traces')
			spans.push(...readTraces(e, fs.readFileSync(path.join(dir, e.file))));
	}
	return { spans, formats };
};

// The same span twice, of a batch that was sent again, is one.
exports.unique = (spans) => {
	const seen = new Set();
	return spans.filter((s) => {
		const side = /CLIENT|PRODUCER/.test(s.kind) ? 1 : /SERVER|CONSUMER/.test(s.kind) ? 2 : 0;
		const key = s.trace + s.span + side;
		return !seen.has(key) && seen.add(key);
	});
};

const push = (m, k, v) => (m[k] || (m[k] = [])).push(v);
exports.push = push;

// Weir calls a service that its callers know by an address by its name, once it has answered.
exports.alias = (spans) => {
	const services = new Set(spans.filter((s) => /SERVER|CONSUMER/.test(s.kind)).map((s) => s.service));
	return (dst) => (/\.shop\.test$/.test(dst) && services.has(dst.split('.')[0]) ? dst.split('.')[0] : dst);
};

// "src > dst" to its requests, as { us, failed }.
exports.edges = (spans, rig) => {
	const { pair } = require(path.join(rig, 'tools/edges.js'));
	const out = {}, alias = exports.alias(spans);
	for (const e of pair(spans).edges)
		push(out, e.src + ' > ' + alias(e.dst), { us: e.client_us || e.server_us, failed: e.failed });
	return out;
};

exports.failed = (list) => list.filter((x) => x.failed).length;

// The element n*q, as truth.json has it; and by nearest rank, as weir has it.
const sorted = (a) => [...a].sort((x, y) => x - y);
exports.quantile = (a, q) => sorted(a)[Math.min(a.length - 1, Math.floor(q * a.length))];
exports.nearest = (a, q) => sorted(a)[Math.max(0, Math.ceil(q * a.length) - 1)];

// By how much GOT is off, as a part of WANT; a microsecond is none.
exports.off = (got, want) => (Math.abs(got - want) <= 1 ? 0 : Math.abs(got - want) / Math.max(want, 1));
exports.percent = (x) => (100 * x).toFixed(2) + ' %';
