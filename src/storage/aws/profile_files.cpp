#include "walwrap/storage/aws/profile_files.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "walwrap/base/text.hpp"

namespace walwrap::storage {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kProfileWord = "profile";

constexpr std::string_view kBlanks = " \t\r";

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

// A '#' or ';' begins a comment only after a blank, because a secret may contain both.
std::string_view without_comment(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if ((text[at] == '#' || text[at] == ';') && is_blank(text[at - 1])) return text.substr(0, at);
  }
  return text;
}

std::string_view unquoted(std::string_view text) {
  const bool is_quoted = text.size() >= 2 && text.front() == text.back() &&
                         (text.front() == '"' || text.front() == '\'');
  return is_quoted ? text.substr(1, text.size() - 2) : text;
}

// The profile of a section. nullopt: the section is not a profile.
std::optional<std::string> profile_of(std::string_view section, ProfileFile file) {
  if (file == ProfileFile::Credentials || section == "default") {
    return std::string(unquoted(section));
  }
  const bool is_profile = section.starts_with(kProfileWord) &&
                          section.size() > kProfileWord.size() &&
                          is_blank(section[kProfileWord.size()]);
  if (!is_profile) return std::nullopt;
  return std::string(unquoted(trim(section.substr(kProfileWord.size()), kBlanks)));
}

class Reader {
 public:
  explicit Reader(ProfileFile file) : file_(file) {}

  Result<void> read(std::string_view line) {
    ++number_;
    const auto indent = static_cast<std::size_t>(
        std::find_if_not(line.begin(), line.end(), is_blank) - line.begin());
    const std::string_view text = trim(line, kBlanks);
    if (text.empty() || text.front() == '#' || text.front() == ';') return {};
    if (text.front() == '[') return read_section(text);
    if (key_indent_ && indent > *key_indent_) return {};
    return read_key(text, indent);
  }

  Profiles take() { return std::move(profiles_); }

 private:
  Result<void> read_section(std::string_view text) {
    const auto end = text.find(']');
    const std::string_view rest =
        end == std::string_view::npos ? "" : trim(text.substr(end + 1), kBlanks);
    const bool is_whole =
        end != std::string_view::npos && (rest.empty() || rest[0] == '#' || rest[0] == ';');
    if (!is_whole) return fail(Code::Invalid, "line {}: a section is [name]", number_);
    const auto name = profile_of(trim(text.substr(1, end - 1), kBlanks), file_);
    profile_ = name ? &profiles_[*name] : nullptr;
    is_in_section_ = true;
    key_indent_.reset();
    return {};
  }

  Result<void> read_key(std::string_view text, std::size_t indent) {
    if (!is_in_section_) {
      return fail(Code::Invalid, "line {}: is before the first [section]", number_);
    }
    const auto sign = text.find_first_of("=:");
    if (sign == std::string_view::npos || sign == 0) {
      return fail(Code::Invalid, "line {}: neither [section] nor key = value", number_);
    }
    key_indent_ = indent;
    if (profile_ == nullptr) return {};
    const std::string key = lower_case(trim(text.substr(0, sign), kBlanks));
    const std::string_view value = trim(without_comment(text.substr(sign + 1)), kBlanks);
    profile_->insert_or_assign(key, Secret<std::string>(std::string(value)));
    return {};
  }

  ProfileFile file_;
  Profiles profiles_;
  Profile* profile_ = nullptr;  // of the section being read
  bool is_in_section_ = false;
  std::optional<std::size_t> key_indent_;  // of the section's last key
  int number_ = 0;
};

}  // namespace

Result<Profiles> parse_profiles(std::string_view text, ProfileFile file) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader(file);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    TRY(reader.read(line));
  }
  return reader.take();
}

void merge_profiles(Profiles& profiles, const Profiles& more) {
  for (const auto& [name, profile] : more) profiles[name].insert(profile.begin(), profile.end());
}

std::string_view value_of(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string_view() : found->second.reveal();
}

}  // namespace walwrap::storage
