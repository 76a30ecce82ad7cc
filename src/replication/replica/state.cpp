#include "walwrap/replication/replica/state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "walwrap/base/decimal.hpp"

namespace walwrap::replication {
namespace {

constexpr std::string_view kMagic = "walwrap-state 3";
constexpr std::string_view kChecksumKey = "xxh3";
std::uint64_t xxh3(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

std::string format_wal(const std::optional<wal::Position>& position) {
  if (!position) return "none";
  return fmt::format("{} {} {} {} {}", position->salts.first, position->salts.second,
                     position->frame, position->checksum.first, position->checksum.second);
}

std::optional<wal::Position> parse_wal_numbers(std::string_view text) {
  wal::Position position;
  std::uint32_t* const fields[] = {&position.salts.first, &position.salts.second, &position.frame,
                                   &position.checksum.first, &position.checksum.second};
  for (std::uint32_t* const field : fields) {
    const std::string_view word = text.substr(0, text.find(' '));
    const auto number = parse_decimal<std::uint32_t>(word);
    if (!number) return std::nullopt;
    *field = *number;
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  if (!text.empty()) return std::nullopt;
  return position;
}

// Parses the lines of a state in their fixed order. The first wrong one is kept as the error.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // The value of the next line, which must have this key.
  std::string_view value(std::string_view key) {
    const auto end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    const bool is_it = end != std::string_view::npos && line.size() > key.size() &&
                       line.starts_with(key) && line[key.size()] == ' ';
    if (!is_it) {
      reject(key);
      return {};
    }
    rest_.remove_prefix(end + 1);
    return line.substr(key.size() + 1);
  }

  // The parsed value, or a default value if parsing fails.
  template <typename T>
  T take(std::string_view key, std::optional<T> (*parse)(std::string_view)) {
    const auto parsed = parse(value(key));
    if (!parsed) reject(key);
    return parsed.value_or(T{});
  }

  void reject(std::string_view key) {
    if (!bad_) bad_ = key;
  }
  Result<void> end() const {
    if (bad_) return fail(Code::Corrupt, "line '{}' is missing or malformed", *bad_);
    if (!rest_.empty()) return fail(Code::Corrupt, "the state has too many lines");
    return {};
  }

 private:
  std::string_view rest_;
  std::optional<std::string_view> bad_;
};

std::string format_writers(const std::vector<RandomId>& writers) {
  return writers.empty() ? "none" : fmt::format("{}", fmt::join(writers, " "));
}

std::optional<std::vector<RandomId>> parse_writers(std::string_view text) {
  std::vector<RandomId> writers;
  if (text == "none") return writers;
  while (true) {
    const std::string_view word = text.substr(0, text.find(' '));
    const auto id = parse_hex16(word);
    if (!id || writers.size() == kMostEarlierWriters) return std::nullopt;
    writers.push_back(RandomId{*id});
    if (word.size() == text.size()) return writers;
    text.remove_prefix(word.size() + 1);
  }
}

std::string format_slot(const std::optional<KnownFile>& slot) {
  return slot ? fmt::format("{} {}", slot->size, format_hex16(slot->checksum)) : "none";
}

std::string format_front(const std::optional<KnownFront>& front) {
  if (!front) return "none";
  return fmt::format("{} {} {} {}", front->level.value, front->txids.first, front->txids.last,
                     format_slot(front->file));
}

// One word and the blank after it.
std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

std::optional<std::optional<KnownFile>> parse_slot(std::string_view text) {
  if (text == "none") return std::optional<KnownFile>();
  const auto size = parse_decimal<std::uint64_t>(take_word(text));
  const auto checksum = parse_hex16(take_word(text));
  if (!size || !checksum || !text.empty()) return std::nullopt;
  return std::optional(KnownFile{*size, *checksum});
}

std::optional<std::optional<KnownFront>> parse_front(std::string_view text) {
  if (text == "none") return std::optional<KnownFront>();
  const auto level = parse_decimal<std::uint32_t>(take_word(text));
  const auto first = parse_hex16(take_word(text));
  const auto last = parse_hex16(take_word(text));
  const auto file = parse_slot(text);
  if (!level || !first || !last || !file || !*file) return std::nullopt;
  return std::optional(
      KnownFront{Level{static_cast<int>(*level)}, {Txid{*first}, Txid{*last}}, **file});
}

std::optional<bool> parse_yes_no(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return std::nullopt;
}

}  // namespace

std::string format_state(const SavedState& state) {
  std::string text = fmt::format(
      "{}\nlineage {}\nwriter {}\nearlier_writers {}\ntxid {}\nstored_by {}\npage_size "
      "{}\npages {}\nslot {}\nfront {}\nwal {}\nclean {}\nsaved {}\n",
      kMagic, state.lineage, state.writer, format_writers(state.earlier_writers), state.txid,
      state.stored_by, state.page_size, state.pages, format_slot(state.slot),
      format_front(state.front), format_wal(state.wal), state.clean ? "yes" : "no",
      format_rfc3339(state.saved));
  text += fmt::format("{} {}\n", kChecksumKey, format_hex16(xxh3(text)));
  return text;
}

Result<SavedState> parse_state(std::string_view text) {
  // The last line first: a state with a wrong checksum is not parsed any further.
  const std::size_t last_line_bytes = kChecksumKey.size() + 1 + 16 + 1;
  if (text.size() <= last_line_bytes) return fail(Code::Corrupt, "the state is cut short");
  const std::string_view body = text.substr(0, text.size() - last_line_bytes);
  const std::string expected = fmt::format("{} {}\n", kChecksumKey, format_hex16(xxh3(body)));
  if (text.substr(body.size()) != expected) return fail(Code::Corrupt, "checksum mismatch");

  const std::size_t magic_end = body.find('\n');
  if (body.substr(0, magic_end) != kMagic) {
    return fail(Code::Corrupt, "the state begins with '{}', which this version does not know",
                body.substr(0, magic_end));
  }
  Lines lines(body.substr(magic_end + 1));
  SavedState state;
  state.lineage.value = lines.take("lineage", parse_hex16);
  state.writer.value = lines.take("writer", parse_hex16);
  state.earlier_writers = lines.take("earlier_writers", parse_writers);
  state.txid.value = lines.take("txid", parse_hex16);
  state.stored_by.value = lines.take("stored_by", parse_hex16);
  state.page_size.value = lines.take("page_size", parse_decimal<std::uint32_t>);
  state.pages = lines.take("pages", parse_decimal<std::uint32_t>);
  state.slot = lines.take("slot", parse_slot);
  state.front = lines.take("front", parse_front);
  if (const std::string_view wal = lines.value("wal"); wal != "none") {
    state.wal = parse_wal_numbers(wal);
    if (!state.wal) lines.reject("wal");
  }
  state.clean = lines.take("clean", parse_yes_no);
  state.saved = lines.take("saved", parse_rfc3339);
  TRY(lines.end());

  const bool has_page_size = PageSize::is_valid(state.page_size.value);
  if (!has_page_size && (state.page_size.value != 0 || state.txid.value != 0)) {
    return fail(Code::Corrupt, "page size {} at txid {}", state.page_size, state.txid);
  }
  return state;
}

bool SavedState::is_own(RandomId node) const {
  if (node.value == 0) return false;  // litestream's
  return node == writer ||
         std::find(earlier_writers.begin(), earlier_writers.end(), node) != earlier_writers.end();
}

void SavedState::begin_writer(RandomId id) {
  if (writer.value != 0) earlier_writers.insert(earlier_writers.begin(), writer);
  if (earlier_writers.size() > kMostEarlierWriters) earlier_writers.resize(kMostEarlierWriters);
  writer = id;
}

}  // namespace walwrap::replication
