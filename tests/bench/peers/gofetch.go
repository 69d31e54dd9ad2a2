// SPDX-License-Identifier: ISC

// gofetch LIST PARALLEL CA: fetches the list with net/http, prints how many
// answers of status 200 came and how many bytes their bodies had.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() {
	list, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	parallel, _ := strconv.Atoi(os.Args[2])
	pem, _ := os.ReadFile(os.Args[3])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConns:        parallel,
		MaxIdleConnsPerHost: parallel,
	}}
	urls := make(chan string, parallel)
	var count, bytes int64
	var wait sync.WaitGroup
	for i := 0; i < parallel; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for url := range urls {
				answer, err := client.Get(url)
				if err != nil {
					continue
				}
				n, err := io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if err == nil && answer.StatusCode == 200 {
					atomic.AddInt64(&count, 1)
					atomic.AddInt64(&bytes, n)
				}
			}
		}()
	}
	for lines := bufio.NewScanner(list); lines.Scan(); {
		urls <- lines.Text()
	}
	close(urls)
	wait.Wait()
	fmt.Println(count, bytes)
}
