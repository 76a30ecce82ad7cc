#include "walwrap/http/trust.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/certificates.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/files.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;

namespace {

// How many certificates have been read; those of a directory are read when they are asked for.
int certificates_in(Trust& trust) {
  const auto roots = trust.roots();
  REQUIRE(roots.has_value());
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(*roots));
}

// Without what the environment says.
struct Roots {
  ScopedVariable file{"SSL_CERT_FILE", std::nullopt};
  ScopedVariable directory{"SSL_CERT_DIR", std::nullopt};
  TempDir dir;
  Authority authority;

  std::string write(std::string_view name) {
    write_text(dir / name, authority.pem());
    return (dir / name).string();
  }
  std::string write_hashed(std::string_view name) {
    REQUIRE(os::make_directories(dir / name, 0700).has_value());
    write_text(dir / name / fmt::format("{:08x}.0", authority.hash()), authority.pem());
    return (dir / name).string();
  }
};

}  // namespace

TEST_CASE("an unusable CA file is refused before anything is sent") {
  Roots roots;
  write_text(roots.dir / "text.pem", "no certificate\n");
  write_text(roots.dir / "empty.pem", "");
  const auto is_refused = [&](std::string_view name) {
    const auto trust = Trust::open((roots.dir / name).string());
    REQUIRE_FALSE(trust.has_value());
    CHECK(trust.error().code == Code::Invalid);
    CHECK(has(trust.error().text, name));
  };
  is_refused("text.pem");
  is_refused("empty.pem");
  is_refused("missing.pem");
  is_refused("");  // the directory itself
}

TEST_CASE("a CA file is parsed completely only when TLS needs it") {
  Roots roots;
  auto trust = Trust::open(roots.write("ca.pem"));
  REQUIRE(trust.has_value());
  write_text(roots.dir / "ca.pem", roots.authority.pem() + Authority("another").pem());
  CHECK(certificates_in(*trust) == 2);
}

TEST_CASE("a configured CA file replaces the system's certificates") {
  Roots roots;
  auto trust = Trust::open(roots.write("ca.pem"), {.directories = {roots.write_hashed("certs")},
                                                   .files = {roots.write("bundle.pem")}});
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 1);
  CHECK_FALSE(trust->widen());
}

TEST_CASE("the system's hashed directory is used first, and its bundle as a fallback") {
  Roots roots;
  REQUIRE(os::make_directories(roots.dir / "plain", 0700).has_value());
  write_text(roots.dir / "plain" / "ca.pem", roots.authority.pem());
  auto trust =
      Trust::open("", {.directories = {(roots.dir / "none").string(),
                                       (roots.dir / "plain").string(), roots.write_hashed("certs")},
                       .files = {(roots.dir / "none.pem").string(), roots.write("a.pem")}});
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 0);  // until it is asked for
  REQUIRE(trust->widen());
  CHECK(certificates_in(*trust) == 1);
  CHECK_FALSE(trust->widen());
  CHECK(trust->has_roots());
  trust->forget();
  CHECK(certificates_in(*trust) == 0);
  CHECK(trust->widen());
}

TEST_CASE("a system without a hashed directory uses its bundle") {
  Roots roots;
  auto trust = Trust::open("", {.directories = {}, .files = {roots.write("a.pem")}});
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 1);
  CHECK(trust->has_roots());
  CHECK_FALSE(trust->widen());
}

TEST_CASE("a system without root certificates is detected") {
  Roots roots;
  auto trust = Trust::open("", {.directories = {(roots.dir / "none").string()}, .files = {}});
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 0);
  CHECK_FALSE(trust->has_roots());
}

TEST_CASE("SSL_CERT_FILE replaces the system's certificates") {
  Roots roots;
  const ScopedVariable file("SSL_CERT_FILE", roots.write("mine.pem"));
  const ScopedVariable directory("SSL_CERT_DIR", (roots.dir / "none").string());
  auto trust = Trust::open("", {.directories = {roots.write_hashed("certs")}, .files = {}});
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 1);
  CHECK_FALSE(trust->widen());
}

TEST_CASE("a replaced CA file is read again on request") {
  Roots roots;
  auto trust = Trust::open(roots.write("ca.pem"));
  REQUIRE(trust.has_value());
  CHECK(certificates_in(*trust) == 1);
  write_text(roots.dir / "ca.pem", roots.authority.pem() + Authority("another").pem());
  CHECK(certificates_in(*trust) == 1);
  trust->forget();
  CHECK(certificates_in(*trust) == 2);
  write_text(roots.dir / "ca.pem", "");
  trust->forget();
  CHECK_FALSE(trust->roots().has_value());
}
