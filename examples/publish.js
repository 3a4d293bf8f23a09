// Publish ten flows: weir --listen tcp://127.0.0.1:5570, then node publish.js [URL]
const { XPublisher } = require("zeromq"); // npm install zeromq

async function main() {
	const pub = new XPublisher();
	pub.connect(process.argv[2] || "tcp://127.0.0.1:5570");
	// What is sent before weir has subscribed goes nowhere.
	while ((await pub.receive())[0].toString() !== "\x01{");
	for (let i = 1; i <= 10; i++) {
		const flow = { src: "node", dst: "s3", op: "PUT", kind: "http", us: i * 1000, err: i === 10 };
		await pub.send(JSON.stringify(flow));
	}
	pub.close();
}
main();
