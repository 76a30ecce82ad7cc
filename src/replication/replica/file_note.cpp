#include "walwrap/replication/replica/file_note.hpp"

#include <xxhash.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace walwrap::replication {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kNoteMagic = 0x656c696662647777;  // "wwdbfile"
constexpr Bytes kNoteBytes = 56;
constexpr Bytes kNoteSumAt = 48;

std::uint64_t note_sum(ByteSpan note) {
  return XXH3_64bits(note.data(), kNoteSumAt);
}

}  // namespace

ByteVector format_file_note(const os::FileStamp& stamp) {
  ByteVector bytes(kNoteBytes);
  const MutableByteSpan out(bytes);
  store_le64(out, kNoteMagic);
  store_le64(out.subspan(8), stamp.id.device);
  store_le64(out.subspan(16), stamp.id.inode);
  store_le64(out.subspan(24), stamp.size);
  store_le64(out.subspan(32), static_cast<std::uint64_t>(stamp.written.count()));
  store_le64(out.subspan(40), static_cast<std::uint64_t>(stamp.changed.count()));
  store_le64(out.subspan(kNoteSumAt), note_sum(bytes));
  return bytes;
}

std::optional<os::FileStamp> parse_file_note(ByteSpan bytes) {
  const bool is_note = bytes.size() == kNoteBytes && load_le64(bytes) == kNoteMagic &&
                       load_le64(bytes.subspan(kNoteSumAt)) == note_sum(bytes);
  if (!is_note) return std::nullopt;
  const auto time_at = [&](Bytes at) {
    return nanoseconds(static_cast<std::int64_t>(load_le64(bytes.subspan(at))));
  };
  return os::FileStamp{
      .id = {.device = load_le64(bytes.subspan(8)), .inode = load_le64(bytes.subspan(16))},
      .size = load_le64(bytes.subspan(24)),
      .written = time_at(32),
      .changed = time_at(40)};
}

std::optional<os::FileStamp> read_file_note(const StateDir& directory) {
  const auto bytes = directory.read_note(kNoteBytes);
  return bytes ? parse_file_note(*bytes) : std::nullopt;
}

void FileNote::keep(const os::FileStamp& stamp) {
  write(stamp);
}

void FileNote::forget() {
  write(std::nullopt);
}

void FileNote::write(const std::optional<os::FileStamp>& stamp) {
  if ((has_written_ && kept_ == stamp) || fails_) return;
  if (!file_) {
    auto file = directory_.open_note();
    fails_ = !file;
    if (fails_) return;
    file_ = *std::move(file);
  }
  kept_ = stamp;
  has_written_ = true;
  fails_ = !file_->write(stamp ? format_file_note(*stamp) : ByteVector(kNoteBytes));
}

}  // namespace walwrap::replication
