package main_test

import "flag"

var soak = flag.Duration("soak", 0, "run the soak test for so long")

func soaking() bool { flag.Parse(); return *soak > 0 }
