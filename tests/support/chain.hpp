// A database, a capture of it, and an uploader to a directory or to a store of the test's, in one
// thread: each step happens when the test says so. Three files of a level make one of the next.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/support/manual_clock.hpp"
#include "tests/support/world.hpp"
#include "walwrap/ltx/encoder.hpp"
#include "walwrap/replication/capture/capture.hpp"
#include "walwrap/replication/upload/uploader.hpp"

namespace walwrap::testing {

namespace answer = replication::answer;
namespace job = replication::job;
using replication::Capture;
using replication::JobKind;
using replication::KeyStyle;
using replication::SavedState;
using replication::SnapshotLease;
using replication::StateDir;
using replication::UploadDone;
using replication::Uploader;
using replication::UploadJob;

inline constexpr RandomId kChainWriter{0x11};

inline const answer::Snapshot& snapshot_of(const UploadDone& done) {
  return std::get<answer::Snapshot>(done.answer);
}

struct Chain {
  World world;
  AppDb app{world.database};
  std::unique_ptr<sqlite::CheckpointOwner> owner;
  std::unique_ptr<sqlite::Snapshot> snapshot;
  std::unique_ptr<Capture> capture;
  std::optional<Uploader> uploader;
  bool hurried = false;
  bool wants_frames = false;
  std::function<void()> before_compaction;
  ManualClock clock;
  std::vector<std::string> said;
  Log log{{.now = [this] { return clock.wall(); },
           .sink = [this](std::string_view line) { said.emplace_back(line); }}};
  std::vector<Bytes> streamed;
  // The snapshot is wanted back after so many pages have been read from it.
  int recalled_after = 1'000'000;
  int pages_read = 0;
  std::optional<os::Path> copies_in;
  // The way home of the snapshot of the next job.
  std::function<SnapshotLease::Home()> home = [this] {
    return SnapshotLease::Home{.give_back = [this](auto back) { snapshot = std::move(back); },
                               .is_recalled = [this] { return ++pages_read > recalled_after; }};
  };
  // Damages what the encoder writes, by the number of the piece: 0 is the header.
  std::function<ByteSpan(int piece, MutableByteSpan bytes)> damage;

  Chain() : Chain(nullptr) {}
  // To a store of the test's; null: a directory.
  explicit Chain(std::unique_ptr<storage::ObjectStore> given) {
    // Whoever has a thread goes by that one.
    clock.advance(
        std::chrono::duration_cast<std::chrono::milliseconds>(kSystemClock.mono() - clock.mono()));
    app.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    owner = *sqlite::CheckpointOwner::attach(world.database, kSystemClock);
    snapshot = *sqlite::Snapshot::open(*owner);
    capture = *Capture::open(*owner, std::nullopt);
    SavedState state;
    state.writer = kChainWriter;
    make_uploader(given ? std::move(given) : world.store(), state);
  }
  // Another process that goes on with what this one has stored.
  void begin_anew() {
    REQUIRE(uploader->save(true));
    const SavedState state = uploader->state();
    make_uploader(world.store(), state);
    wants_frames = false;
  }
  void make_uploader(std::unique_ptr<storage::ObjectStore> store, const SavedState& state) {
    auto directory = StateDir::open(world.database).value();
    auto sums = directory.open_sums().value();
    uploader.emplace(
        Uploader::Dependencies{.store = std::move(store),
                               .connect = {},
                               .style = KeyStyle::Directory,
                               .directory = std::move(directory),
                               .sums = std::move(sums),
                               .state = state,
                               .is_hurried = [this] { return hurried; },
                               .copies_in = copies_in,
                               .on_streamed = [this](Bytes bytes) { streamed.push_back(bytes); },
                               .start_encoder =
                                   [this](const ltx::Header& header, WriteFn sink) {
                                     return ltx::Encoder::start(header, damaging(sink));
                                   },
                               .levels = {.files = 3, .bytes = 400'000, .most_files = 9}},
        clock, log);
  }
  WriteFn damaging(const WriteFn& sink) {
    return [this, sink, piece = 0](ByteSpan bytes) mutable -> Result<void> {
      if (!damage) return sink(bytes);
      ByteVector copy(bytes.begin(), bytes.end());
      return sink(damage(piece++, copy));
    };
  }
  UploadJob job(JobKind kind = job::Changes{}) {
    capture->drain(*owner->read_index()).value();
    auto* changes = std::get_if<job::Changes>(&kind);
    if (changes != nullptr) changes->knows_all_frames = wants_frames;
    const auto frames = wants_frames ? Capture::Frames::Every : Capture::Frames::OfPages;
    auto shot = changes != nullptr
                    ? *capture->take(*owner, *snapshot, uploader->state().pages, frames).value()
                    : *capture->take_all(*owner, *snapshot).value();
    return {.snapshot = {std::move(snapshot), home()},
            .page_size = owner->page_size(),
            .pages = std::move(shot.pages),
            .commit = shot.commit,
            .covers = shot.covers,
            .changed = std::move(shot.changed),
            .continues = shot.continues,
            .kind = kind};
  }
  UploadDone upload(JobKind kind = job::Changes{}) {
    UploadJob taken = job(kind);
    auto done = uploader->run(taken);
    wants_frames = done.wants_all_frames;
    if (before_compaction) before_compaction();
    uploader->compact(std::move(taken));
    CHECK(snapshot != nullptr);
    return done;
  }
  void put_slot(std::uint64_t txid, RandomId node) {
    ByteVector file;
    ltx::Header header;
    header.page_size = PageSize{4096};
    header.commit = 2;
    header.txids = {Txid{txid}, Txid{txid}};
    header.wal = {.offset = 32, .size = 4120};
    header.node = node;
    auto encoder = ltx::Encoder::start(header, [&](ByteSpan bytes) -> Result<void> {
                     file.insert(file.end(), bytes.begin(), bytes.end());
                     return {};
                   }).value();
    REQUIRE(encoder.finish().has_value());
    REQUIRE(world.store()
                ->put(replication::file_key(KeyStyle::Directory, kUploadLevel, header.txids),
                      storage::body_of(file), {})
                .has_value());
  }
};

}  // namespace walwrap::testing
