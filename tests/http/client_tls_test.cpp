// Whom a client believes.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <optional>
#include <string>

#include "tests/support/certificates.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/files.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/in_child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/text.hpp"

using namespace walwrap;
using namespace walwrap::http;
using namespace walwrap::testing;
using namespace std::chrono_literals;

namespace {

// An authority whose certificate lies in a file, and nothing of it in the environment.
struct World {
  ScopedVariable file{"SSL_CERT_FILE", std::nullopt};
  ScopedVariable directory{"SSL_CERT_DIR", std::nullopt};
  TempDir dir;
  Authority authority;
  std::string ca_file = (dir / "ca.pem").string();
  World() { write_text(ca_file, authority.pem()); }
};

std::optional<Error> error_at(const HttpServer& server, const ClientOptions& options) {
  const auto client = new_client(options);
  auto response = client->perform({.url = server.url("/k?sig=s3cr3t")});
  if (response) return std::nullopt;
  CHECK_FALSE(has(response.error().text, "s3cr3t"));
  CHECK(has(response.error().text, server.authority()));
  return response.error();
}

}  // namespace

TEST_CASE("a server whose certificate descends from the CA file is trusted") {
  const World world;
  const auto tls = world.authority.server("IP:127.0.0.1");
  HttpServer server({always(http_answer("hello"))}, tls.get());
  const auto client = new_client({.ca_file = world.ca_file});
  for (int i = 0; i < 2; ++i) {
    const auto response = client->perform({.url = server.url("/k")});
    REQUIRE(response.has_value());
    CHECK(as_text(response->body) == "hello");
    CHECK(response->peer.tls == "TLSv1.3");
    CHECK(response->peer.address == server.authority());
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("an untrusted server is refused, and the message says what to do") {
  const World world;
  const auto tls = world.authority.server("IP:127.0.0.1");
  // Twice: the system's directory, then its file, are looked into.
  HttpServer server({once("never"), once("never")}, tls.get());
  const auto error = error_at(server, {});
  REQUIRE(error.has_value());
  CHECK(error->code == Code::Denied);
  CHECK(has(error->text, "--ca-file"));
  CHECK(server.requests().empty());
}

TEST_CASE("a server with the same name and another CA is refused") {
  const World world;
  const Authority impostor;
  const auto tls = impostor.server("IP:127.0.0.1");
  HttpServer server({always(http_answer("hello"))}, tls.get());
  const auto error = error_at(server, {.ca_file = world.ca_file});
  REQUIRE(error.has_value());
  CHECK(error->code == Code::Denied);
  CHECK(server.requests().empty());
}

TEST_CASE("a certificate for another host name is refused") {
  const World world;
  for (const std::string names : {"DNS:store.example", "IP:127.0.0.2,DNS:127.0.0.1"}) {
    CAPTURE(names);
    const auto tls = world.authority.server(names);
    HttpServer server({always(http_answer("hello"))}, tls.get());
    const auto error = error_at(server, {.ca_file = world.ca_file});
    REQUIRE(error.has_value());
    CHECK(error->code == Code::Denied);
    CHECK(has(error->text, "another host"));
    CHECK(server.requests().empty());
  }
}

TEST_CASE("an expired certificate and one that is not yet valid are refused") {
  const World world;
  for (const Authority::Life life : {Authority::Life{-2h, -1h}, Authority::Life{1h, 2h}}) {
    const auto tls = world.authority.server("IP:127.0.0.1", life);
    HttpServer server({always(http_answer("hello"))}, tls.get());
    const auto error = error_at(server, {.ca_file = world.ca_file});
    REQUIRE(error.has_value());
    CHECK(error->code == Code::Denied);
    CHECK(has(error->text, "clock"));
  }
}

TEST_CASE("an unusable CA file prevents the creation of a client") {
  const World world;
  write_text(world.dir / "text.pem", "no certificate\n");
  for (const char* name : {"missing.pem", "text.pem"}) {
    const auto client = make_client({.ca_file = (world.dir / name).string()});
    REQUIRE_FALSE(client.has_value());
    CHECK(client.error().code == Code::Invalid);
    CHECK(has(client.error().text, name));
  }
}

TEST_CASE("SSL_CERT_FILE is used where no CA file is given") {
  const World world;
  const auto tls = world.authority.server("IP:127.0.0.1");
  HttpServer server({always(http_answer("hello"))}, tls.get());
  const ScopedVariable file("SSL_CERT_FILE", world.ca_file);
  CHECK_FALSE(error_at(server, {}).has_value());
}

TEST_CASE("a replaced CA file is used without a new client") {
  const World world;
  const auto tls = world.authority.server("IP:127.0.0.1");
  HttpServer server(std::vector<HttpServer::Script>(3, always(http_answer("hello"))), tls.get());
  write_text(world.ca_file, Authority("of last year").pem());
  const auto client = new_client({.ca_file = world.ca_file});
  CHECK_FALSE(client->perform({.url = server.url("/k")}).has_value());
  write_text(world.ca_file, "");
  const auto unreadable = client->perform({.url = server.url("/k")});
  REQUIRE_FALSE(unreadable.has_value());
  CHECK(unreadable.error().code == Code::Unavailable);
  CHECK(has(unreadable.error().text, "ca.pem"));
  write_text(world.ca_file, world.authority.pem());
  CHECK(client->perform({.url = server.url("/k")}).has_value());
}

TEST_CASE("TLS versions before 1.2 are refused") {
  const World world;
  const auto tls = world.authority.server("IP:127.0.0.1");
  const auto error_with = [&](int version) {
    SSL_CTX_set_security_level(tls.get(), 0);
    SSL_CTX_set_min_proto_version(tls.get(), version);
    SSL_CTX_set_max_proto_version(tls.get(), version);
    HttpServer server({always(http_answer("hello"))}, tls.get());
    return error_at(server, {.ca_file = world.ca_file});
  };
  CHECK_FALSE(error_with(TLS1_3_VERSION).has_value());
  CHECK_FALSE(error_with(TLS1_2_VERSION).has_value());
  const auto error = error_with(TLS1_1_VERSION);
  REQUIRE(error.has_value());
  CHECK(error->code == Code::Unavailable);
  CHECK(has(error->text, "TLS failed"));
}

TEST_CASE("a request to a server without TLS was certainly not carried out") {
  HttpServer server({[](ServerEnd& end) {
    end.read_some();
    end.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  }});
  const auto client = new_client();
  const auto response =
      client->perform({.method = Method::Put, .url = "https://" + server.authority() + "/k"});
  REQUIRE_FALSE(response.has_value());
  CHECK(response.error().code == Code::Unavailable);
  CHECK(has(response.error().text, "TLS failed"));
}

TEST_CASE("the system's bundle is used for a server that the hashed directory does not cover") {
  const World world;
  const TempDir certs;
  const Authority another("in the directory");
  write_text(certs / fmt::format("{:08x}.0", another.hash()), another.pem());
  write_text(certs / "ca-certificates.crt", world.authority.pem());
  const auto tls = world.authority.server("IP:127.0.0.1");
  const std::string outcome = in_child([&]() -> std::string {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(certs.path().c_str(), "/etc/ssl/certs", nullptr, MS_BIND, nullptr) != 0) {
      return std::string(kSkipped);
    }
    HttpServer server({once("never"), always(http_answer("hello"))}, tls.get());
    const auto client = make_client({}).value();
    const auto response = client->perform({.url = server.url("/k")});
    return response ? std::string(as_text(response->body)) : response.error().text;
  });
  if (outcome == kSkipped) {
    MESSAGE("no mount namespaces here");
    return;
  }
  CHECK(outcome == "hello");
}
