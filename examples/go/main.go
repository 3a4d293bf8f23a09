// Publish ten flows: weir --listen tcp://127.0.0.1:5570, then go run . [URL]
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/go-zeromq/zmq4" // in Go alone, without libzmq
)

func main() {
	url := "tcp://127.0.0.1:5570"
	if len(os.Args) > 1 {
		url = os.Args[1]
	}
	pub := zmq4.NewPub(context.Background())
	defer pub.Close()
	if err := pub.Dial(url); err != nil {
		log.Fatal(err)
	}
	time.Sleep(time.Second) // what is sent before weir has subscribed goes nowhere
	for i := 1; i <= 10; i++ {
		flow, _ := json.Marshal(map[string]any{"src": "go", "dst": "s3", "op": "PUT",
			"kind": "http", "us": i * 1000, "err": i == 10})
		if err := pub.Send(zmq4.NewMsg(flow)); err != nil {
			log.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // Close does not wait until all is sent
}
