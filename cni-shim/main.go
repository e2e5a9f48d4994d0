// The CNI plugin that kubelet's runtime runs for each pod: hands an ADD to the node's DaemonSet over its unix socket and
// passes on what the plugins before it made. It decides nothing else, holds no credentials, and is inert without the
// DaemonSet: then only pods of the mesh's namespaces have to wait, and only for a while.
package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

// Codes of the CNI specification.
const (
	codeBadConfig = 7
	codeTryAgain  = 11
)

// Longer than the DaemonSet takes for a pod; kubelet's own limit is two minutes.
const answerTimeoutSeconds = 60

// Who has been away for longer isn't being updated: it is broken, or was removed while its node was out of reach. Pods
// then start, and their validation container holds back those that want to be captured.
const patience = 10 * time.Minute

const supported = `{"cniVersion":"1.0.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}`

type config struct {
	CniVersion string `json:"cniVersion"`
	Socket     string `json:"socket"`
	// One namespace a line: those whose pods may be the mesh's, as the DaemonSet last knew them; it touches the file all
	// the time.
	MeshNamespacesFile string          `json:"meshNamespacesFile"`
	PrevResult         json.RawMessage `json:"prevResult"`
}

type refusal struct {
	CniVersion string `json:"cniVersion"`
	Code       int    `json:"code"`
	Message    string `json:"msg"`
}

func main() {
	switch os.Getenv("CNI_COMMAND") {
	case "VERSION":
		io.ReadAll(os.Stdin)
		os.Stdout.WriteString(supported)
	case "ADD":
		add()
	default:
		// DEL, CHECK, GC, STATUS: the rules end with the pod's network namespace, so there is nothing to undo, and a
		// pod must be able to go whatever became of the DaemonSet.
		io.ReadAll(os.Stdin)
	}
}

func add() {
	input, err := io.ReadAll(os.Stdin)
	var conf config
	if err == nil {
		err = json.Unmarshal(input, &conf)
	}
	if err != nil {
		fail(conf, codeBadConfig, "cannot read the network configuration: "+err.Error())
	}
	if len(conf.PrevResult) == 0 {
		fail(conf, codeBadConfig, "meltemi-cni must stand behind another plugin: prevResult is missing")
	}
	reason, err := ask(conf, input)
	switch {
	case err != nil && holdsBack(conf):
		fail(conf, codeTryAgain, "the mesh's DaemonSet on this node doesn't answer: "+err.Error())
	case err == nil && reason != "":
		fail(conf, codeTryAgain, reason)
	}
	os.Stdout.Write(conf.PrevResult)
}

// ask sends the call's environment, an empty line and the configuration; the answer is empty when all is well.
func ask(conf config, input []byte) (string, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer syscall.Close(fd)
	timeout := syscall.Timeval{Sec: answerTimeoutSeconds}
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout)
	syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &timeout)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: conf.Socket}); err != nil {
		return "", err
	}
	socket := os.NewFile(uintptr(fd), conf.Socket)
	if _, err := socket.Write(append(environment(), input...)); err != nil {
		return "", err
	}
	if err := syscall.Shutdown(fd, syscall.SHUT_WR); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(socket)
	if err != nil {
		return "", err
	}
	// A DaemonSet that dies under way closes the connection too; only this word says that the pod is done.
	text := string(answer)
	if text == "ok" {
		return "", nil
	}
	if text == "" {
		return "", io.ErrUnexpectedEOF
	}
	return text, nil
}

func environment() []byte {
	var lines []byte
	for _, pair := range os.Environ() {
		if strings.HasPrefix(pair, "CNI_") && !strings.Contains(pair, "\n") {
			lines = append(append(lines, pair...), '\n')
		}
	}
	return append(lines, '\n')
}

func holdsBack(conf config) bool {
	file, err := os.Stat(conf.MeshNamespacesFile)
	if err != nil || time.Since(file.ModTime()) > patience {
		return false
	}
	listed, err := os.ReadFile(conf.MeshNamespacesFile)
	if err != nil {
		return false
	}
	namespace := argument("K8S_POD_NAMESPACE")
	for _, line := range strings.Split(string(listed), "\n") {
		if line != "" && line == namespace {
			return true
		}
	}
	return false
}

func argument(name string) string {
	for _, pair := range strings.Split(os.Getenv("CNI_ARGS"), ";") {
		if value, found := strings.CutPrefix(pair, name+"="); found {
			return value
		}
	}
	return ""
}

func fail(conf config, code int, message string) {
	text, _ := json.Marshal(refusal{conf.CniVersion, code, message})
	os.Stdout.Write(text)
	os.Exit(1)
}
