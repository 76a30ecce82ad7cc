#include "walwrap/replication/replica/file_note.hpp"

#include <xxhash.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace walwrap::replication {
namespace {

using std::chrono::nanoseconds;

constexpr std::uint64_t kNoteMagic = 0x656c696662647777;  // "wwdbfile"
constexpr Bytes kNoteBytes = 64;
constexpr Bytes kNoteSumAt = 56;

std::uint64_t note_sum(ByteSpan note) {
  return XXH3_64bits(note.data(), kNoteSumAt);
}

}  // namespace

ByteVector format_file_note(const NotedFile& noted) {
  const os::FileStamp& stamp = noted.stamp;
  ByteVector bytes(kNoteBytes);
  const MutableByteSpan out(bytes);
  store_le64(out, kNoteMagic);
  store_le64(out.subspan(8), stamp.id.device);
  store_le64(out.subspan(16), stamp.id.inode);
  store_le64(out.subspan(24), stamp.size);
  store_le64(out.subspan(32), static_cast<std::uint64_t>(stamp.written.count()));
  store_le64(out.subspan(40), static_cast<std::uint64_t>(stamp.changed.count()));
  store_le64(out.subspan(48), noted.settled_at.value);
  store_le64(out.subspan(kNoteSumAt), note_sum(bytes));
  return bytes;
}

std::optional<NotedFile> parse_file_note(ByteSpan bytes) {
  const bool is_note = bytes.size() == kNoteBytes && load_le64(bytes) == kNoteMagic &&
                       load_le64(bytes.subspan(kNoteSumAt)) == note_sum(bytes);
  if (!is_note) return std::nullopt;
  const auto time_at = [&](Bytes at) {
    return nanoseconds(static_cast<std::int64_t>(load_le64(bytes.subspan(at))));
  };
  return NotedFile{.stamp = {.id = {.device = load_le64(bytes.subspan(8)),
                                    .inode = load_le64(bytes.subspan(16))},
                             .size = load_le64(bytes.subspan(24)),
                             .written = time_at(32),
                             .changed = time_at(40)},
                   .settled_at = Txid{load_le64(bytes.subspan(48))}};
}

std::optional<NotedFile> read_file_note(const StateDir& directory) {
  const auto bytes = directory.read_note(kNoteBytes);
  return bytes ? parse_file_note(*bytes) : std::nullopt;
}

void FileNote::keep(const NotedFile& noted) {
  write(noted);
}

void FileNote::forget() {
  write(std::nullopt);
}

void FileNote::write(const std::optional<NotedFile>& noted) {
  if ((has_written_ && kept_ == noted) || fails_) return;
  if (!file_) {
    auto file = directory_.open_note();
    fails_ = !file;
    if (fails_) return;
    file_ = *std::move(file);
  }
  kept_ = noted;
  has_written_ = true;
  fails_ = !file_->write(noted ? format_file_note(*noted) : ByteVector(kNoteBytes));
}

}  // namespace walwrap::replication
