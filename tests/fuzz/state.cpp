// Whatever lies in the state directory, or in a replica's identity, it is read as what was written,
// or not at all.
#include "walwrap/replication/replica/state.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "walwrap/replication/replica/file_note.hpp"
#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/replica/ownership.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walwrap;
  using namespace walwrap::replication;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = parse_state(text);
  if (state && format_state(*state) != text) std::abort();
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto noted = parse_file_note(bytes);
  if (noted && format_file_note(*noted) != ByteVector(bytes.begin(), bytes.end())) std::abort();
  const auto identity = parse_identity(text);
  if (identity && parse_identity(format_identity(*identity))->lineage != identity->lineage) {
    std::abort();
  }
  for (const KeyStyle style : {KeyStyle::Directory, KeyStyle::S3}) {
    const auto file = parse_key(style, text);
    if (file && file_key(style, file->level, file->txids) != text) std::abort();
  }
  return 0;
}
