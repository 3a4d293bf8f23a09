// captures.js WEIR AGENT CAPTURES RIG [RUN...]: replays captured bodies through the real
// sockets of weir-agent and compares what comes out with a reference pairing and with the
// truth.json of each run; request by request as the agent tells it, and again as the counts
// and percentiles of a snapshot. Exit status 1 when anything differs.
//
// CAPTURES holds RUN/PERIOD.tar.gz and RUN/truth.json; RIG/tools has replay.js and edges.js.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');
const ref = require('./reference.js');
const [weir, agent, captures, rig, ...only] = process.argv.slice(2);
const { push, failed, quantile, nearest, off, percent } = ref;
const AT_ONCE = 3; // snapshots being taken
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const table = [];
let bad = 0;
process.setMaxListeners(0); // each program that is started has one

// A row of what was compared; DETAIL says what is wrong, a line each.
function tell(what, formats, bodies, edges, exact, worst, detail) {
	table.push({ 'captured period': what, formats: [...formats].join(' '), bodies, edges, exact, 'times off by': percent(worst) });
	bad += edges - exact;
	for (const line of detail) console.log('  %s: %s', what, line);
}

function start(program, args, name) {
	const out = path.join(ref.tmp, name + '.json');
	const p = spawn(program, args, { stdio: ['ignore', fs.openSync(out, 'w'), 'pipe'] });
	const a = { p, out, said: '' };
	p.stderr.on('data', (d) => { a.said += d; });
	a.ended = new Promise((r) => p.on('exit', r));
	process.on('exit', () => p.kill());
	return a;
}
async function doors(a) {
	for (let i = 0; i < 200; i++) {
		const m = a.said.match(/from (\S+) and gRPC (\S+) and Zipkin ([^\s,]+)/);
		if (m) return { http: m[1], grpc: m[2], zipkin: m[3] };
		await sleep(50);
	}
	throw new Error(a.said);
}
const ANY = ['otlp', '--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--zipkin', '127.0.0.1:0'];
function replay(at, files, args) {
	return new Promise((done, fail) => {
		const p = spawn('node', [path.join(rig, 'tools/replay.js'), ...args, '--otlp', 'http://' + at.http,
			'--grpc', at.grpc, '--zipkin', 'http://' + at.zipkin, ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
		let said = '';
		p.stdout.on('data', (d) => { said += d; });
		p.on('exit', (code) => (code ? fail(new Error('replay.js ended with ' + code)) : done(said.trim())));
	});
}

// ------------------------------------------------------------ request by request
// All periods of a run go into one agent, one after the other: names are learned, and halves
// of one request may come in different formats and at the two sides of a period's end.
async function requestByRequest(name, periods, truth) {
	const spans = ref.unique(periods.flatMap((p) => p.spans));
	const a = start(agent, ['--check', ...ANY], name.replace('/', '-'));
	const said = await replay(await doors(a), periods.map((p) => p.archive), ['--speed', '8']);
	await sleep(500);
	a.p.kill('SIGTERM');
	await a.ended;
	const want = ref.edges(spans, rig), got = {};
	const by = new Map(spans.map((s) => [s.trace.padStart(32, '0') + s.span + (/CLIENT|PRODUCER/.test(s.kind) ? 'c' : 's'), s]));
	for (const line of fs.readFileSync(a.out, 'utf8').split('\n')) {
		const e = line && JSON.parse(line);
		if (!e.src) continue;
		// It belongs to the period in which its caller began.
		const callee = by.get(e.trace + e.span + 's');
		const links = callee ? [callee.parent, ...(callee.links || []).map((l) => l.span)] : [e.span];
		const caller = callee && callee.shared ? by.get(e.trace + e.span + 'c') : links.map((id) => by.get(e.trace + id + 'c')).find(Boolean);
		const first = caller || callee || by.get(e.trace + e.span + 'c');
		push(got, e.src + ' > ' + e.dst, { us: e.us ?? e.srv_us, failed: !!e.err, queue: e.queue_us, start: first ? Number(first.start / 1000000n) : NaN });
	}
	const us = (list) => list.map((x) => x.us).sort((x, y) => x - y);
	const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])], detail = [];
	let exact = 0, worst = 0;
	for (const key of keys) {
		const w = want[key] || [], g = got[key] || [], b = us(g);
		const far = us(w).reduce((m, v, i) => Math.max(m, off(b[i] ?? -1, v)), 0);
		if (w.length === g.length && failed(w) === failed(g) && far <= 0.01) exact++;
		else detail.push(`${key} ${g.length} calls, should be ${w.length}; ${failed(g)} failed, should be ${failed(w)}`);
		if (w.length === g.length) worst = Math.max(worst, far);
	}
	tell(`${name}, every request`, new Set(periods.flatMap((p) => [...p.formats])), said.split(' ')[0], keys.length, exact, worst, detail);

	const alias = ref.alias(spans);
	for (const p of truth.periods) {
		compare(`${name}/${p.name}, truth`, p.edges, p.start_ms, p.end_ms, got, alias);
		if (p.edges_in_fault && p.edges_in_fault.length)
			compare(`${name}/${p.name}, truth of its fault`, p.edges_in_fault, p.fault_start_ms, p.fault_end_ms, got, alias);
	}
}
function farthest(e, us, queue) {
	const pairs = [[quantile(us, 0.5), e.p50_us], [quantile(us, 0.95), e.p95_us], [quantile(us, 1), e.max_us]];
	if (e.queue_max_us !== undefined)
		pairs.push([quantile(queue, 0.5), e.queue_p50_us], [quantile(queue, 1), e.queue_max_us]);
	return Math.max(...pairs.map(([got, want]) => off(got ?? -1, want)));
}
function compare(what, edges, from, to, got, alias) {
	const truth = {}, detail = [];
	let exact = 0, worst = 0;
	for (const e of edges) push(truth, e.src + ' > ' + alias(e.dst), e);
	for (const [key, list] of Object.entries(truth)) {
		const g = (got[key] || []).filter((x) => x.start >= from && x.start < to), us = g.map((x) => x.us);
		const count = list.reduce((n, e) => n + e.count, 0), fails = list.reduce((n, e) => n + e.failed, 0);
		// Two lines of one edge are of before and after a name was learned: counts only.
		const far = list.length > 1 || g.length !== count ? 0 : farthest(list[0], us, g.map((x) => x.queue));
		worst = Math.max(worst, far);
		if (g.length === count && failed(g) === fails && far <= 0.01) exact++;
		else detail.push(`${key} ${g.length} calls, should be ${count}; ${failed(g)} failed, should be ${fails}; off by ${percent(far)}`);
	}
	tell(what, [], '', Object.keys(truth).length, exact, worst, detail);
}

// ------------------------------------------------------------ as a snapshot has it
// Each period for itself, its times moved to now, ten times as fast, through agent, bus and model.
async function asSnapshot(name, p) {
	const wall = fs.readFileSync(path.join(p.dir, 'index.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l).wall_ms);
	const seconds = Math.ceil((Math.max(...wall) - Math.min(...wall)) / 10000) + 7;
	const a = start(weir, ['snapshot', '--with', [...ANY, '--wait', '3s'].join(' '), '--window', '15m', '--for', seconds + 's', '--format', 'json'],
		name.replace('/', '-') + '-snapshot');
	await replay(await doors(a), [p.archive], ['--now', '--speed', '10']);
	await a.ended;
	const s = JSON.parse(fs.readFileSync(a.out)), want = ref.edges(ref.unique(p.spans), rig), got = {}, detail = [];
	for (const e of s.edges) push(got, e.src + ' > ' + e.dst, e);
	const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])];
	let exact = 0, worst = 0;
	for (const key of keys) {
		const w = want[key] || [], us = w.map((x) => x.us), g = (got[key] || []).length === 1 ? got[key][0] : {};
		const far = Math.max(...[[0.5, g.p50_us], [0.95, g.p95_us], [0.99, g.p99_us]].map(([q, v]) => off(v ?? -1, nearest(us, q))));
		if (g.calls === w.length && g.errors === failed(w) && far <= 0.01) exact++;
		else detail.push(`${key} ${g.calls} calls, should be ${w.length}; ${g.errors} failed, should be ${failed(w)}; off by ${percent(far)}`);
		worst = Math.max(worst, far);
	}
	if (s.quality.lost + s.quality.late + s.quality.dropped > 0) detail.push('lost, late or dropped: ' + JSON.stringify(s.quality));
	tell(name + ', snapshot', p.formats, wall.length, keys.length, exact, worst, detail);
}

async function run(name, snapshots) {
	const dir = path.join(captures, name), truthFile = path.join(dir, 'truth.json');
	const truth = fs.existsSync(truthFile) ? JSON.parse(fs.readFileSync(truthFile)) : { periods: [] };
	const periods = fs.readdirSync(dir).filter((f) => /\.tar\.gz$/.test(f) && !/^(raw|prometheus)/.test(f)).sort().map((f) => {
		const unpacked = ref.unpack(path.join(dir, f));
		return { archive: path.join(dir, f), dir: unpacked, name: f.replace('.tar.gz', ''), ...ref.bodies(unpacked, rig) };
	});
	// Runs about retries are not one story: each is for itself.
	if (truth.periods.length) await requestByRequest(name, periods, truth);
	else for (const p of periods) await requestByRequest(name + '/' + p.name, [p], truth);
	for (const p of periods) snapshots.push(() => asSnapshot(name + '/' + p.name, p));
}

(async () => {
	const snapshots = [];
	const runs = only.length ? only : fs.readdirSync(captures).filter((d) => fs.statSync(path.join(captures, d)).isDirectory()).sort();
	await Promise.all(runs.map((r) => run(r, snapshots)));
	await Promise.all(Array.from({ length: AT_ONCE }, async () => { while (snapshots.length) await snapshots.shift()(); }));
	table.sort((x, y) => (x['captured period'] < y['captured period'] ? -1 : 1));
	console.table(table);
	console.log(bad ? bad + ' edges differ' : 'all edges are as they should be');
	process.exit(bad ? 1 : 0);
})();
