#include "walwrap/control/handover.hpp"

#include <fmt/format.h>

#include "walwrap/base/text.hpp"

namespace walwrap::control {
namespace {

constexpr std::size_t kMostText = 200;

// FNV-1a of 64 bits, over the words and a zero byte after each.
constexpr std::uint64_t kOffset = 0xcbf29ce484222325, kPrime = 0x100000001b3;

std::uint64_t add_byte(std::uint64_t hash, unsigned char byte) {
  return (hash ^ byte) * kPrime;
}

}  // namespace

AppCommand describe_command(const std::vector<std::string>& words) {
  AppCommand command{.text = {}, .id = kOffset};
  for (const std::string& word : words) {
    for (const char c : word) command.id = add_byte(command.id, static_cast<unsigned char>(c));
    command.id = add_byte(command.id, 0);
    if (!command.text.empty()) command.text += ' ';
    command.text += quote_for_shell(word);
  }
  if (command.text.size() > kMostText) command.text = command.text.substr(0, kMostText) + " ...";
  return command;
}

std::optional<std::string> refuse_handover(const Owner& owner, const Newcomer& newcomer) {
  if (newcomer.takes_over || newcomer.command.id == owner.command.id) return std::nullopt;
  return fmt::format(
      "another walwrap (host {}) has run `{}` with this database since {}. To run this command "
      "beside it: walwrap run-beside -- {}. To replace it: walwrap --take-over -- {}",
      owner.host, owner.command.text, format_rfc3339(owner.since), newcomer.command.text,
      newcomer.command.text);
}

}  // namespace walwrap::control
