#include "tests/simulation/coverage.hpp"

#include <fmt/format.h>

namespace walwrap::simulation {
namespace {

constexpr Kind kEvents[] = {
    {Actor::App, Verb::Insert},     {Actor::App, Verb::Update},     {Actor::App, Verb::Delete},
    {Actor::App, Verb::Begin},      {Actor::App, Verb::Commit},     {Actor::App, Verb::Vacuum},
    {Actor::App, Verb::Checkpoint}, {Actor::App, Verb::Read},       {Actor::App, Verb::EndRead},
    {Actor::App, Verb::Kill},       {Actor::Walwrap, Verb::Kill},   {Actor::Walwrap, Verb::Capture},
    {Actor::Walwrap, Verb::Upload}, {Actor::Host, Verb::PowerLoss}, {Actor::Store, Verb::Fail},
    {Actor::Store, Verb::Down},     {Actor::Store, Verb::Up},       {Actor::Store, Verb::Late},
    {Actor::Store, Verb::Twice},    {Actor::Store, Verb::Stale},    {Actor::Store, Verb::Expire},
    {Actor::Host, Verb::Partition}, {Actor::Host, Verb::Heal},      {Actor::Host, Verb::Fill},
    {Actor::Host, Verb::Free},      {Actor::App, Verb::Break},      {Actor::Walwrap, Verb::Break},
    {Actor::Host, Verb::Unlink},    {Actor::Host, Verb::Swap},      {Actor::Host, Verb::Overwrite},
    {Actor::Host, Verb::Cut},       {Actor::Clock, Verb::Pass},     {Actor::Clock, Verb::Jump},
};
constexpr Kind kSteps[] = {
    {Actor::App, Verb::Open},        {Actor::App, Verb::Insert},
    {Actor::App, Verb::Update},      {Actor::App, Verb::Delete},
    {Actor::App, Verb::Vacuum},      {Actor::App, Verb::Checkpoint},
    {Actor::App, Verb::Once},        {Actor::Walwrap, Verb::Start},
    {Actor::Walwrap, Verb::Capture}, {Actor::Walwrap, Verb::Upload},
    {Actor::Walwrap, Verb::Confirm}, {Actor::Walwrap, Verb::Stop},
};

bool is_walwraps_turn(const Kind& kind) {
  return kind.actor == Actor::Walwrap && kind.verb != Verb::Kill && kind.verb != Verb::Break;
}

}  // namespace

std::string format_pair(const Pair& pair) {
  const auto text = [](const Kind& kind) {
    return format_step({.actor = kind.actor, .verb = kind.verb});
  };
  return text(pair.event) + " within " + text(pair.within);
}

void Coverage::add(const std::map<Pair, int>& pairs) {
  for (const auto& [pair, count] : pairs) pairs_[pair] += count;
}

std::vector<Pair> Coverage::possible() {
  std::vector<Pair> all;
  for (const Kind& event : kEvents) {
    for (const Kind& step : kSteps) {
      const bool is_captures = event.verb == Verb::Capture && step.verb == Verb::Upload;
      if (is_walwraps_turn(event) && is_walwraps_turn(step) && !is_captures) continue;
      all.push_back({event, step});
    }
  }
  return all;
}

std::vector<Pair> Coverage::missing() const {
  std::vector<Pair> missing;
  for (const Pair& pair : possible()) {
    if (!pairs_.contains(pair)) missing.push_back(pair);
  }
  return missing;
}

std::string Coverage::text() const {
  std::string text;
  for (const Kind& event : kEvents) {
    text += fmt::format("{:<24}", format_step({.actor = event.actor, .verb = event.verb}));
    for (const Kind& step : kSteps) {
      const auto found = pairs_.find({event, step});
      text += fmt::format(" {}:{}", name_of(step.verb), found == pairs_.end() ? 0 : found->second);
    }
    text += "\n";
  }
  return text;
}

}  // namespace walwrap::simulation
