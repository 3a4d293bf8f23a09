// captures.js AGENT CAPTURES RIG [RUN...]: replays captured bodies through the real
// sockets of weir-agent and compares what it yields with the reference pairing of the
// rig and with each period's truth.json. Exit status 1 when anything differs.
//
// AGENT is the program; CAPTURES holds RUN/PERIOD.tar.gz and RUN/truth.json; RIG/tools has
// replay.js and edges.js.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn, execFileSync } = require('child_process');
const [agent, captures, rig, ...only] = process.argv.slice(2);
const { pair } = require(path.join(rig, 'tools/edges.js'));
const { readTraces } = require(path.join(rig, 'tools/otlp.js'));
const tmp = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-captures-'));
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
let bad = 0;

function start(name, args) {
	const out = path.join(tmp, name + '.json');
	const p = spawn(agent, ['--check', ...args], { stdio: ['ignore', fs.openSync(out, 'w'), 'pipe'] });
	const a = { p, out, said: '' };
	p.stderr.on('data', (d) => { a.said += d; });
	a.ended = new Promise((r) => p.on('exit', r));
	return a;
}
async function ready(a, ports) {
	for (let i = 0; i < 100; i++) {
		const m = a.said.match(ports);
		if (m) return m;
		await sleep(50);
	}
	throw new Error(a.said);
}
async function stop(a) {
	a.p.kill('SIGTERM');
	await a.ended;
	return fs.readFileSync(a.out, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l));
}
function bodies(file) {
	const dir = fs.mkdtempSync(path.join(tmp, 'x'));
	execFileSync('tar', ['-xzf', file, '-C', dir]);
	const sub = path.join(dir, fs.readdirSync(dir)[0]);
	const spans = [], kinds = new Set();
	for (const line of fs.readFileSync(path.join(sub, 'index.jsonl'), 'utf8').trim().split('\n')) {
		const e = JSON.parse(line);
		kinds.add(e.kind);
		if (e.signal === 'traces')
			spans.push(...readTraces(e, fs.readFileSync(path.join(sub, e.file))));
	}
	return { spans, kinds };
}
// The same span twice, of a batch that was sent again, is one.
function unique(spans) {
	const seen = new Set();
	return spans.filter((s) => {
		const side = /CLIENT|PRODUCER/.test(s.kind) ? 1 : /SERVER|CONSUMER/.test(s.kind) ? 2 : 0;
		const key = s.trace + s.span + side;
		return !seen.has(key) && seen.add(key);
	});
}
const push = (m, k, v) => (m[k] || (m[k] = [])).push(v);
const quantile = (a, q) => { const b = [...a].sort((x, y) => x - y); return b[Math.min(b.length - 1, Math.floor(q * b.length))]; };

async function run(name) {
	const dir = path.join(captures, name);
	const files = fs.readdirSync(dir).filter((f) => /\.tar\.gz$/.test(f) && !/^(raw|prometheus)/.test(f)).sort().map((f) => path.join(dir, f));
	const truthFile = path.join(dir, 'truth.json');
	const truth = fs.existsSync(truthFile) ? JSON.parse(fs.readFileSync(truthFile)) : { periods: [] };
	// Runs about retries are not one story: each is for itself.
	for (const group of truth.periods.length ? [files] : files.map((f) => [f]))
		await compare(truth.periods.length ? name : name + '/' + path.basename(group[0], '.tar.gz'), group, truth);
}

async function compare(name, files, truth) {
	const all = files.map(bodies), spans = unique(all.flatMap((b) => b.spans));
	const kinds = [...new Set(all.flatMap((b) => [...b.kinds]))];
	// All in one agent, as halves of one request may come in different formats.
	const a = start('agent', ['otlp', '--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--zipkin', '127.0.0.1:0']);
	const at = await ready(a, /from (\S+) and gRPC (\S+) and Zipkin (\S+),/);
	// The spacing matters little here, as halves wait 10 s; the times are left as they are.
	const said = execFileSync('node', [path.join(rig, 'tools/replay.js'), '--speed', '8', '--otlp', 'http://' + at[1], '--grpc', at[2], '--zipkin', 'http://' + at[3], ...files]).toString().trim();
	await sleep(500);
	const events = (await stop(a)).filter((e) => e.src);

	// Weir calls a service that its callers know by an address by its name.
	const services = new Set(spans.filter((s) => /SERVER|CONSUMER/.test(s.kind)).map((s) => s.service));
	const alias = (dst) => (services.has(dst.split('.')[0]) && /\.shop\.test$/.test(dst) ? dst.split('.')[0] : dst);
	const want = {}, got = {};
	const starts = new Map(spans.map((s) => [s.trace.padStart(32, '0') + s.span + (/CLIENT|PRODUCER/.test(s.kind) ? 'c' : 's'), s]));
	for (const e of pair(spans).edges) push(want, e.src + ' > ' + alias(e.dst), { us: e.client_us || e.server_us, failed: e.failed });
	for (const e of events) {
		const callee = starts.get(e.trace + e.span + 's');
		const links = callee ? [callee.parent, ...(callee.links || []).map((l) => l.span)] : [e.span];
		const caller = callee && callee.shared ? starts.get(e.trace + e.span + 'c') : links.map((id) => starts.get(e.trace + id + 'c')).find(Boolean);
		const first = caller || callee || starts.get(e.trace + e.span + 'c');
		push(got, e.src + ' > ' + e.dst, { us: e.us ?? e.srv_us, failed: !!e.err, start: first ? Number(first.start / 1000000n) : NaN });
	}
	const rows = [];
	for (const key of [...new Set([...Object.keys(want), ...Object.keys(got)])].sort()) {
		const w = want[key] || [], g = got[key] || [];
		const a = w.map((x) => x.us).sort((x, y) => x - y), b = g.map((x) => x.us).sort((x, y) => x - y);
		const far = a.length === b.length ? a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]) / Math.max(v, 1)), 0) : NaN;
		const ok = a.length === b.length && w.filter((x) => x.failed).length === g.filter((x) => x.failed).length && far <= 0.01;
		rows.push({ edge: key, calls: g.length, 'should be': w.length, failed: g.filter((x) => x.failed).length, 'latencies off by': (far * 100).toFixed(3) + ' %', ok: ok ? 'yes' : 'NO' });
		bad += !ok;
	}
	// And period by period, as the truth file has it.
	let edges = 0, wrong = 0;
	for (const p of truth.periods) {
		const t = {};
		for (const e of p.edges) push(t, e.src + ' > ' + alias(e.dst), e);
		for (const [key, list] of Object.entries(t)) {
			const g = (got[key] || []).filter((x) => x.start >= p.start_ms && x.start < p.end_ms);
			const count = list.reduce((n, e) => n + e.count, 0), failed = list.reduce((n, e) => n + e.failed, 0);
			const us = g.map((x) => x.us), one = list.length === 1 && list[0];
			const near = (v, q) => !one || Math.abs(quantile(us, q) - v) <= v / 100;
			edges++;
			if (g.length === count && g.filter((x) => x.failed).length === failed && near(one.p50_us, 0.5) && near(one.p95_us, 0.95) && near(one.max_us, 1)) continue;
			wrong++;
			console.log('  %s %s: %d calls, should be %d; %d failed, should be %d; p95 %d, should be %d', p.name, key, g.length, count, g.filter((x) => x.failed).length, failed, quantile(us, 0.95), one && one.p95_us);
		}
	}
	bad += wrong;
	console.log('%s: %s; %s', name, kinds.join(' '), said);
	console.table(rows);
	if (truth.periods.length) console.log('periods of truth.json: %d of %d edges as they should be\n', edges - wrong, edges);
}

(async () => {
	const runs = only.length ? only : fs.readdirSync(captures).filter((d) => fs.statSync(path.join(captures, d)).isDirectory()).sort();
	for (const r of runs) await run(r);
	fs.rmSync(tmp, { recursive: true });
	console.log(bad ? bad + ' edges differ' : 'all edges are as they should be');
	process.exit(bad ? 1 : 0);
})();
