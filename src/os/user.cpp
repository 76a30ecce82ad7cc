#include "walwrap/os/user.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "walwrap/base/decimal.hpp"
#include "walwrap/base/text.hpp"
#include "walwrap/os/file.hpp"

namespace walwrap::os {
namespace {

constexpr Bytes kMaxFileBytes = Bytes{4} << 20;
// passwd is name:password:uid:gid:..., group is name:password:gid:members.
constexpr std::size_t kUid = 2, kUsersGid = 3, kGid = 2, kMembers = 3, kLastField = 3;

// Up to one less than the largest number, which means "leave it" to the kernel.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto value = parse_decimal<std::uint32_t>(text);
  return value && *value != UINT32_MAX ? value : std::nullopt;
}

using Line = std::vector<std::string_view>;

// Those with the fields up to the one that counts, in their order.
std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  for (const std::string_view line : split(text, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() > kLastField && !fields[0].empty()) lines.push_back(std::move(fields));
  }
  return lines;
}

struct Account {
  std::string_view name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// By name, or, if none is called so, by number.
std::optional<Account> find_account(std::string_view who, std::string_view passwd) {
  const auto number = parse_id(who);
  std::optional<Account> found;
  for (const Line& line : lines_of(passwd)) {
    const auto uid = parse_id(line[kUid]);
    const auto gid = parse_id(line[kUsersGid]);
    if (!uid || !gid) continue;
    if (line[0] == who) return Account{line[0], *uid, *gid};
    if (number == uid && !found) found = Account{line[0], *uid, *gid};
  }
  return found;
}

std::optional<std::uint32_t> find_group(std::string_view which, std::string_view group) {
  for (const Line& line : lines_of(group)) {
    if (line[0] == which) return parse_id(line[kGid]);
  }
  return parse_id(which);
}

std::vector<std::uint32_t> groups_of(const Account& account, std::string_view group) {
  std::vector<std::uint32_t> groups = {account.gid};
  for (const Line& line : lines_of(group)) {
    const auto gid = parse_id(line[kGid]);
    if (gid && is_listed(line[kMembers], ',', account.name)) groups.push_back(*gid);
  }
  std::ranges::sort(groups);
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

std::string text_of_file(const char* path) {
  const auto text = read_file(path, kMaxFileBytes);
  return text ? std::string(as_text(*text)) : std::string();
}

}  // namespace

Result<User> parse_user(std::string_view text, std::string_view passwd, std::string_view group) {
  const auto colon = text.find(':');
  const auto who = text.substr(0, colon);
  const auto account = find_account(who, passwd);
  if (colon == std::string_view::npos) {
    if (account) return User{account->uid, account->gid, groups_of(*account, group)};
    if (parse_id(who)) {
      return fail(Code::Invalid, "user {} is not in /etc/passwd; write {}:GID", who, who);
    }
    return fail(Code::Invalid, "user \"{}\" is not in /etc/passwd; write UID:GID", who);
  }
  const auto which = text.substr(colon + 1);
  const auto uid = account ? std::optional(account->uid) : parse_id(who);
  if (!uid) return fail(Code::Invalid, "user \"{}\" is not in /etc/passwd; write UID:GID", who);
  const auto gid = find_group(which, group);
  if (!gid) return fail(Code::Invalid, "group \"{}\" is not in /etc/group; write UID:GID", which);
  return User{*uid, *gid, {*gid}};
}

Result<User> find_user(std::string_view text) {
  return parse_user(text, text_of_file("/etc/passwd"), text_of_file("/etc/group"));
}

}  // namespace walwrap::os
