#include "tests/simulation/scene.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace walwrap::simulation {
namespace {

constexpr std::size_t kShown = 60;  // of rows

}  // namespace

void Scene::adopt(Host& host, const std::string& text) {
  if (text.starts_with("!")) return;
  Rows rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    rows[std::stoi(line.substr(0, space))] = line.substr(space + 1);
  }
  oracle.forget_confirmed();
  host.know(oracle.add(kNothing, std::move(rows)));
  host.durable.reset();
  host.is_wild = false;
}

void Scene::check_rows(Host& host, const std::string& text, std::string_view who,
                       std::optional<StateId> since) {
  if (host.is_wild) return;
  if (text.starts_with("!")) return fail(fmt::format("{} reads: {}", who, text.substr(1)));
  if (host.is_sure && text == Oracle::text_of(oracle.rows(host.state))) {
    // What is in flight is not there yet.
    return;
  }
  if (since && host.is_sure && text == Oracle::text_of(oracle.rows(*since))) return;
  for (const StateId state : std::vector<StateId>(host.in_flight)) {
    if (text == Oracle::text_of(oracle.rows(state))) return host.know(state);
  }
  if (host.is_sure) {
    const auto older = oracle.find(text, {});
    return fail(fmt::format("{} reads {} than the app has committed: {}", who,
                            older ? "an older state" : "other rows", text.substr(0, kShown)));
  }
  std::vector<StateId> must;
  if (!host.is_alone) must = oracle.confirmed();
  if (host.durable) must.push_back(*host.durable);
  const auto found = oracle.find(text, must);
  if (found) return host.know(*found);
  fail(fmt::format("{} reads {}: {}", who,
                   oracle.is_known(text) ? "a state without commits that must be there"
                                         : "rows that the app has never committed",
                   text.substr(0, kShown)));
}

ByteVector bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace walwrap::simulation
