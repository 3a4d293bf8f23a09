// captured-logs.js AGENT CAPTURES: the access logs that lie beside captured traffic, as
// weir-agent accesslog reads them, and the recorded Prometheus, as weir-agent prometheus
// asks it; against plain readings of the same. Exit status 1 when anything differs.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawn, spawnSync } = require('child_process');
const ref = require('./reference.js');
const [agent, captures] = process.argv.slice(2);
const { push, failed, quantile, off, percent } = ref;
const table = [];
let bad = 0;

function check(args) {
	const p = spawnSync(agent, ['--check', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
	if (p.status !== 0) throw new Error(p.stderr);
	return p.stdout.split('\n').filter(Boolean).map((l) => JSON.parse(l)).filter((e) => e.src);
}
function compare(what, lines, want, got) {
	const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])];
	let exact = 0, worst = 0;
	for (const key of keys) {
		const w = want[key] || [], g = got[key] || [];
		const far = w.length === g.length ? Math.max(...[0.5, 0.95, 1].map((q) => off(quantile(g.map((x) => x.us), q), quantile(w.map((x) => x.us), q)))) : 1;
		worst = Math.max(worst, far);
		if (w.length === g.length && failed(w) === failed(g) && far <= 0.01) exact++;
		else console.log('  %s: %s %d calls, should be %d; %d failed, should be %d; off by %s', what, key, g.length, w.length, failed(g), failed(w), percent(far));
	}
	table.push({ captured: what, lines, edges: keys.length, exact, 'times off by': percent(worst) });
	bad += keys.length - exact;
}

// What a line of each proxy says: the whole request, and what its upstream did of it.
const list = (v) => (v === '-' || !v ? [] : v.split(/, | : /));
const READ = {
	nginx: (e) => ({ us: e.request_time * 1e6, status: +e.status, to: list(e.upstream_addr).map((to, i) => ({ to, us: list(e.upstream_response_time)[i] * 1e6, status: +list(e.upstream_status)[i] })) }),
	haproxy: (e) => ({ us: e.Ta * 1e3, status: e.status, to: [{ to: e.backend, us: (e.Tc + e.Tr) * 1e3, status: e.status }] }),
	caddy: (e) => (/^http\.log\.access/.test(e.logger) ? { us: e.duration * 1e6, status: e.status, to: [] } : null),
};
function accessLog(what, format, file) {
	const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean), want = {}, got = {};
	if (!lines.length) return;
	for (const line of lines) {
		const r = READ[format](JSON.parse(line.replace(/"ms":0*(\d)/, '"ms":$1')));
		if (!r) continue;
		push(want, 'user > proxy', { us: r.us, failed: r.status >= 500 });
		for (const u of r.to) push(want, 'proxy > ' + u.to, { us: u.us, failed: u.status >= 500 });
	}
	for (const e of check(['accesslog', '--format', format, '--service', 'proxy', '--once', '--from-start', file]))
		push(got, e.src + ' > ' + e.dst, { us: e.us ?? e.srv_us, failed: !!e.err });
	compare(`${what}, ${format}`, lines.length, want, got);
}

// ------------------------------------------------------------ Prometheus
// The counters of a service graph between two moments, from the samples as they are. All
// are of one target: what has its first sample after a scrape without it began at 0 there.
async function increases(url, at, seconds) {
	const q = new URLSearchParams({ query: `{__name__=~"traces_service_graph_request_(failed_)?total"}[${seconds}s]`, time: String(at) });
	const series = (await (await fetch(`${url}/api/v1/query?${q}`)).json()).data.result;
	const scraped = Math.min(...series.map((s) => s.values[0][0]));
	const out = {};
	for (const s of series) {
		let n = s.values[0][0] > scraped ? +s.values[0][1] : 0;
		for (let i = 1; i < s.values.length; i++) {
			const a = +s.values[i - 1][1], b = +s.values[i][1];
			n += b < a ? b : b - a;
		}
		const key = `${s.metric.client} > ${s.metric.server.split('.')[0]}`;
		const e = out[key] || (out[key] = { calls: 0, failed: 0, type: s.metric.connection_type || '' });
		e[/failed/.test(s.metric.__name__) ? 'failed' : 'calls'] += n;
	}
	return out;
}
// Which of these the metrics of each mesh tell of.
const PRESETS = {
	servicegraph: () => true,
	istio: (e) => /^(virtual_node)?$/.test(e.type),
	linkerd: (e) => /^(virtual_node)?$/.test(e.type),
	hubble: (e, key) => e.type === '' || /^user /.test(key),
	beyla: (e, key) => e.type !== 'messaging_system' && !/^user /.test(key),
};
async function prometheus(run, archive, periods) {
	const data = ref.unpack(archive), port = 20000 + (process.pid % 9000), url = `http://127.0.0.1:${port}`;
	const config = path.join(ref.tmp, 'none.yml');
	fs.writeFileSync(config, 'global: {}\n');
	const p = spawn('prometheus', ['--config.file=' + config, '--storage.tsdb.path=' + data, '--storage.tsdb.retention.time=3650d', `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: 'ignore' });
	process.on('exit', () => p.kill());
	for (let i = 0; i < 100; i++) {
		if (await fetch(url + '/-/ready').then((r) => r.ok, () => false)) break;
		await new Promise((r) => setTimeout(r, 100));
	}
	for (const period of periods) {
		const at = Math.ceil(period.end_ms / 1000), seconds = Math.round((period.end_ms - period.start_ms) / 1000);
		const all = Object.entries(await increases(url, at, seconds)).filter(([, e]) => e.calls);
		for (const preset of Object.keys(PRESETS)) {
			const want = Object.fromEntries(all.filter(([key, e]) => PRESETS[preset](e, key))), got = {};
			for (const e of check(['prometheus', '--url', url, '--preset', preset, '--window', seconds + 's', '--at', new Date(at * 1000).toISOString(), '--lag', '0s'])) {
				const key = `${e.src} > ${e.dst.split('.')[0]}`, g = got[key] || { calls: 0, failed: 0 };
				if (e.kind === 'tcp') continue; // bytes, no requests
				g.calls += e.calls;
				g.failed += e.errors || 0;
				got[key] = g;
			}
			const keys = [...new Set([...Object.keys(want), ...Object.keys(got)])];
			const wrong = keys.filter((k) => !got[k] || !want[k] || got[k].calls !== want[k].calls || got[k].failed !== want[k].failed);
			for (const k of wrong) console.log('  %s/%s, %s: %s %j, should be %j', run, period.name, preset, k, got[k], want[k]);
			table.push({ captured: `${run}/${period.name}, prometheus ${preset}`, lines: '', edges: keys.length, exact: keys.length - wrong.length, 'times off by': '' });
			bad += wrong.length;
		}
	}
	p.kill();
}

(async () => {
	for (const run of fs.readdirSync(captures).filter((d) => fs.statSync(path.join(captures, d)).isDirectory()).sort()) {
		const dir = path.join(captures, run);
		for (const f of fs.readdirSync(dir).filter((x) => /^\d\d-.*\.tar\.gz$/.test(x)).sort()) {
			const period = ref.unpack(path.join(dir, f));
			for (const format of Object.keys(READ)) {
				const log = path.join(period, format + '-access.json');
				if (fs.existsSync(log)) accessLog(run + '/' + f.replace('.tar.gz', ''), format, log);
			}
		}
		const tsdb = path.join(dir, 'prometheus-tsdb.tar.gz');
		if (fs.existsSync(tsdb) && spawnSync('prometheus', ['--version']).status === 0)
			await prometheus(run, tsdb, JSON.parse(fs.readFileSync(path.join(dir, 'truth.json'))).periods);
	}
	console.table(table);
	console.log(bad ? bad + ' edges differ' : 'all edges are as they should be');
	process.exit(bad ? 1 : 0);
})();
