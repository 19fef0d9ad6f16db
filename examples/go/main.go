// Asks an agent and follows its answer, with Go's standard library alone. A stream that breaks off is resumed after the last
// event seen.
//
//	go run . http://127.0.0.1:3000/api/agents assistant 'What is 6 * 7?'
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

type event struct {
	ID, Type string
	Data     struct {
		Content string `json:"content"`
		Error   string `json:"error"`
	}
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: ask URL AGENT TEXT")
	}
	url, agent, text := os.Args[1], os.Args[2], os.Args[3]
	id := createRun(url, agent, text)
	for last := ""; ; time.Sleep(200 * time.Millisecond) {
		if follow(url, id, &last) {
			return
		}
	}
}

func createRun(url, agent, text string) string {
	body, _ := json.Marshal(map[string]any{
		"agent_key": agent,
		"messages":  []map[string]string{{"role": "user", "content": text}},
	})
	answer, err := http.Post(url+"/runs/", "application/json", bytes.NewReader(body))
	if err != nil {
		fail(err.Error())
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		var refusal struct{ Error string }
		_ = json.NewDecoder(answer.Body).Decode(&refusal)
		fail(answer.Status + " " + refusal.Error)
	}
	var run struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&run); err != nil {
		fail(err.Error())
	}
	return run.ID
}

// follow reads the stream from the last event on, and tells whether the run is over.
func follow(url, id string, last *string) bool {
	request, _ := http.NewRequest("GET", url+"/runs/"+id+"/events/", nil)
	request.Header.Set("accept", "text/event-stream")
	if *last != "" {
		request.Header.Set("last-event-id", *last)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNoContent {
		return true
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 16<<20)
	var next event
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			next.ID = value
		case "event":
			next.Type = value
		case "data":
			_ = json.Unmarshal([]byte(value), &next.Data)
		case "":
			if next.Type != "" {
				*last = next.ID
				if show(next) {
					return true
				}
			}
			next = event{}
		}
	}
	return false
}

// show tells whether it was the run's last event.
func show(next event) bool {
	switch next.Type {
	case "assistant.message":
		fmt.Println(next.Data.Content)
	case "run.succeeded":
		return true
	case "run.failed", "run.timed_out", "run.cancelled":
		fail(next.Data.Error)
	}
	return false
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
