#include "walwrap/base/check.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walwrap;

TEST_CASE("a check that holds does nothing and evaluates its condition once") {
  int evaluated = 0;
  CHECK_NOTHROW(WW_CHECK(++evaluated == 1));
  CHECK(evaluated == 1);
}

TEST_CASE("a failed check names its file and line, without the path of the build machine") {
  std::string message;
  try {
    panic("/home/builder/checkout/src/wal/scanner.cpp", 12, "first <= last");
  } catch (const Panic& caught) {
    message = caught.what();
  }
  CHECK(message == "src/wal/scanner.cpp:12: check failed: first <= last");
}

TEST_CASE("a failed check throws a Panic that carries its condition") {
  std::string message;
  try {
    const int pages = 3;
    WW_CHECK(pages == 4);
  } catch (const Panic& caught) {
    message = caught.what();
  }
  CHECK(message.find("pages == 4") != std::string::npos);
}
