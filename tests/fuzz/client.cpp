// Whatever answers in walwrap's place, the client finds an answer of the length that it names, or
// none; and its own request cannot be made into two by what it is asked about.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "walwrap/client/answer.hpp"
#include "walwrap/client/json.hpp"
#include "walwrap/client/problem.hpp"
#include "walwrap/client/request.hpp"

namespace {

using namespace walwrap::client;

void check_object(std::string_view json) {
  Text text(1'000);
  std::array wanted = {Member{.name = "txid", .text = &text}};
  const bool is_object = read_object(json, wanted);
  // The other reader has no limit of depth, and takes a zero byte for the end.
  const bool is_comparable = json.size() < 64 && json.find('\0') == std::string_view::npos;
  const auto other = nlohmann::json::parse(json, nullptr, false);
  if (is_comparable && other.is_object() && !is_object) std::abort();
  Text sentence(kMostSentenceBytes);
  judge_problem(503, json, sentence);
  if (sentence.view().find('\n') != std::string_view::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Answer whole;
  whole.feed(bytes);
  Answer divided;
  for (std::size_t at = 0; at < size; at += 7) divided.feed(bytes.substr(at, 7));
  const bool is_whole = whole.state() == Answer::State::Whole;
  if (is_whole != (divided.state() == Answer::State::Whole)) std::abort();
  if (is_whole && !bytes.ends_with(whole.body())) std::abort();
  check_object(is_whole ? whole.body() : bytes);

  Text target(kMostRequestBytes);
  target.append("/v1/wait");
  append_parameters(target, {.database = bytes, .position = bytes});
  if (!is_well_formed({.method = "POST", .target = target.view()})) std::abort();
  return 0;
}
