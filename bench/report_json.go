package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// schema names the form of a result file. A reader must refuse a version it does not know; fields may be
// added within a version, but neither renamed nor given another unit.
const schema = "rookery-bench/1"

// document is a result file: every row measured, in order, and the medians over repeated ones.
//
//	schema    "rookery-bench/1"
//	host      the machine, its limits and its memory before the run
//	partial   set if the run ended early: why
//	missing   peers that could not run here, and what they lack
//	goals     of 'bench limits': what was asked, what was seen, and whether it was met (see verdict)
//	rows      one per scenario, target and run (see row); void says why a row must not be quoted
//	summary   one per scenario and target: medians, with min and max, of the rows that are not void
type document struct {
	Schema   string    `json:"schema"`
	Title    string    `json:"title"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Command  string    `json:"command"`
	Commit   string    `json:"commit,omitempty"`
	Go       string    `json:"go"`
	Host     hostFacts `json:"host"`
	Partial  string    `json:"partial,omitempty"`
	Missing  []string  `json:"missing,omitempty"`
	Goals    []verdict `json:"goals,omitempty"`
	Rows     []row     `json:"rows"`
	Summary  []row     `json:"summary"`
}

// readDocument reads a result file.
func readDocument(path string) (*document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("%s: %v", path, plainPath(err))
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, usagef("%s: not a result file: %v", path, err)
	}
	if d.Schema != schema {
		return nil, usagef("%s: schema %q, want %q", path, d.Schema, schema)
	}
	return &d, nil
}

// encode renders the document. Single runs go without curve and timeline, which the summary has of the run that stands for them:
// nobody reads the others, and they are two thirds of a long run's file.
func (d *document) encode() ([]byte, error) {
	lean := *d
	lean.Rows = slices.Clone(d.Rows)
	for i := range lean.Rows {
		r := &lean.Rows[i]
		r.Timeline = nil
		if r.Latency != nil {
			l := *r.Latency
			l.Curve = nil
			r.Latency = &l
		}
	}
	b, err := json.MarshalIndent(&lean, "", " ")
	return append(b, '\n'), err
}

// writeReport writes a file as a whole or not at all: readers never see half a report, and a full disk does
// not cost the one that was there before.
func writeReport(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot write the report %s: %w", path, plainPath(err))
	}
	tmp := path + ".tmp"
	err := os.WriteFile(tmp, b, 0o644)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("cannot write the report %s: %w", path, plainPath(err))
	}
	return nil
}

// checkWritable finds out before the run whether the report can be written after it.
func checkWritable(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return usagef("cannot write the report %s: %v", path, plainPath(err))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usagef("cannot write the report %s: it is a directory", path)
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return usagef("cannot write the report %s: %v", path, plainPath(err))
	}
	_ = f.Close()
	_ = os.Remove(path + ".tmp")
	return nil
}

// plainPath leaves out the operation and the path, which the message around it has.
func plainPath(err error) error {
	var p *fs.PathError
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
