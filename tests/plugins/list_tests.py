"""Prints "module.Class.test" for each test of the given modules: CMake makes a CTest test of each line."""

import sys
import unittest


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item.id()


if __name__ == "__main__":
    print("\n".join(flatten(unittest.defaultTestLoader.loadTestsFromNames(sys.argv[1:]))))
