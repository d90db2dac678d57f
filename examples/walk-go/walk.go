// SPDX-License-Identifier: Apache-2.0

// Walk lists a folder tree with sizes, the files' total, and the largest file.
//
//	walk [FOLDER]      ("/" without FOLDER: what the host has granted)
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

type totals struct {
	files, folders int
	bytes          int64
	largest        string
	largestBytes   int64
	problems       []error
}

func (t *totals) visit(root, path string, entry fs.DirEntry, err error) error {
	if err != nil {
		t.problems = append(t.problems, err)
		if entry != nil && entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	relative, err := filepath.Rel(root, path)
	if err != nil || relative == "." {
		return err
	}
	indent := strings.Repeat("  ", strings.Count(relative, string(filepath.Separator)))
	if entry.IsDir() {
		t.folders++
		fmt.Printf("%10s  %s%s/\n", "", indent, entry.Name())
		return nil
	}
	info, err := entry.Info()
	if err != nil {
		t.problems = append(t.problems, err)
		return nil
	}
	t.files++
	t.bytes += info.Size()
	if t.largest == "" || info.Size() > t.largestBytes {
		t.largest, t.largestBytes = relative, info.Size()
	}
	fmt.Printf("%10d  %s%s\n", info.Size(), indent, entry.Name())
	return nil
}

func main() {
	root := "/"
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	var t totals
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		return t.visit(root, path, entry, err)
	})
	if err = errors.Join(append(t.problems, err)...); err != nil {
		fmt.Fprintf(os.Stderr, "walk: %v\n", err)
	}
	fmt.Printf("%d files in %d folders, %d bytes", t.files, t.folders, t.bytes)
	if t.largest != "" {
		fmt.Printf("; largest: %s (%d bytes)", t.largest, t.largestBytes)
	}
	fmt.Println()
	if err != nil {
		os.Exit(1)
	}
}
