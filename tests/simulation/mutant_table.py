"""The mutants: which rule is broken, and by what change of the source."""

import typing


class Mutant(typing.NamedTuple):
    name: str
    rule: str  # of the house style (Law) or of the design (section)
    file: str
    old: str
    new: str
    lives_because: str = ""  # why the simulated world cannot see it; "": it has to


OWNER = "src/sqlite/checkpoint_owner.cpp"
CAPTURE = "src/replication/capture/capture.cpp"
UPLOADER = "src/replication/upload/uploader.cpp"
STORED = "src/replication/upload/stored_state.cpp"
COMPACTOR = "src/replication/upload/compactor.cpp"
SNAPSHOT = "src/sqlite/snapshot.cpp"
LOOK = "src/replication/startup/inspection.cpp"
BOOT = "src/replication/startup/boot.cpp"
PLAN = "src/replication/replica/plan.cpp"

MUTANTS = (
    Mutant("closes-the-database", "Law 1", OWNER,
           "  sqlite3_file* file = holder_->file();\n  FileHeader header{};",
           "  { const auto foreign = os::File::open(database_, os::File::Open::ReadOnly); }\n"
           "  sqlite3_file* file = holder_->file();\n  FileHeader header{};"),
    Mutant("no-fsync-of-state", "Law 4", "src/replication/replica/state_dir.cpp",
           "  TRY(file.sync());\n  return directory.rename(", "  return directory.rename("),
    Mutant("no-fsync-of-sums", "Law 4", "src/replication/upload/stored_state.cpp",
           "  TRY(sums_.sync(state_.lineage, state_.txid));\n", ""),
    Mutant("no-fsync-of-directory", "Law 4", "src/os/file.cpp",
           "Result<void> sync_directory(const Path& path) {",
           "Result<void> sync_directory(const Path& path) {\n"
           "  if (path.native().size() > 0) return {};",
           "SQLite syncs the directory when it makes the -wal"),
    Mutant("no-fsync-of-restored", "Law 4", "src/replication/restore/restore.cpp",
           "[&] { synced = file.sync(); }", "[&] { static_cast<void>(file); }"),
    Mutant("forgets-failed-pages", "Law 4", UPLOADER,
           "  done.to_store = std::move(job.pages);\n", ""),
    Mutant("ignores-salts", "Law 6", "src/wal/scanner.cpp",
           "  if (header.salts != header_.salts || header.pgno == Pgno{0} || header.checksum != "
           "running_sum()) {",
           "  if (header.pgno == Pgno{0} || (false && header.checksum != running_sum())) {"),
    Mutant("restores-over-a-gap", "Law 6", PLAN,
           "(*offered)->txids.first <= reach.next(); ++offered", "true; ++offered"),
    Mutant("replaces-slots", "Law 8", UPLOADER,
           "{.mode = storage::PutMode::CreateOnly, .timestamp = header.timestamp, .rep",
           "{.mode = storage::PutMode::Replace, .timestamp = header.timestamp, .rep"),
    Mutant("takes-foreign-slots", "Law 8", UPLOADER,
           "  if (!stored_.get().is_own(header.node)) {",
           "  if (false && !stored_.get().is_own(header.node)) {"),
    Mutant("any-slot-is-ours", "Law 8, 6.2", UPLOADER,
           "  const auto header = TRY(read_header(*deps_.store, key));\n  if (!stored_",
           "  if (encoded.size > 0) return {};\n"
           "  const auto header = TRY(read_header(*deps_.store, key));\n  if (!stored_"),
    Mutant("no-read-at-checkpoint", "Law 10", OWNER,
           "  TRY(reader_->execute(kBeginRead).context(\"begin the read that guards a "
           "checkpoint\"));\n"
           "  if (held_read_lock(reader_->file()) == 0) return {};"
           "  // the database file already has all of it\n", ""),
    Mutant("no-capture-at-checkpoint", "4.2 step 2", OWNER,
           "  TRY(capture());\n  const int code = sqlite3_wal_checkpoint_v2(checkpointer_",
           "  static_cast<void>(capture);\n"
           "  const int code = sqlite3_wal_checkpoint_v2(checkpointer_"),
    Mutant("no-capture-at-settle", "4.2", OWNER,
           "  TRY(capture());\n  const auto index = read_index();\n  if (!index || index->not",
           "  const auto index = read_index();\n  if (!index || index->not",
           "what was not captured is not backfilled either, and the next line sees that"),
    Mutant("no-checkpoint-lock", "4", OWNER,
           "    const bool is_ours = TRY(try_lock(*holder_, wal::kCheckpointLock));\n"
           "    if (is_ours) break;",
           "    break;"),
    Mutant("settles-a-rest", "4.2", OWNER,
           "  if (!index || index->not_backfilled() > 0) return false;\n  return cut_wal();",
           "  static_cast<void>(index);\n  return cut_wal();",
           "TRUNCATE copies the rest, which was captured under the same write lock"),
    Mutant("no-growth-rule", "5", CAPTURE,
           "  shot.pages.add_range(Pgno{stored_pages + 1}, last);\n",
           "  static_cast<void>(stored_pages);\n"),
    Mutant("keeps-pages-above", "5", CAPTURE,
           "  shot.pages.remove_above(last);\n", ""),
    Mutant("old-frames", "5", SNAPSHOT,
           "  const std::uint32_t frame = frame_of(pgno);\n  if (frame == 0) {",
           "  const std::uint32_t frame = frame_of(pgno);\n  if (frame < 3) {"),
    Mutant("acknowledges-early", "6.2", UPLOADER,
           "  if (!stored) return give_back(job, stored.error());\n  if (const auto noted",
           "  if (const auto noted"),
    Mutant("lost-reply-is-foreign", "6.2", UPLOADER,
           "  if (info.size == encoded.size && parsed.file_checksum == encoded.file_checksum) "
           "return {};\n",
           "  static_cast<void>(parsed);\n  static_cast<void>(encoded);\n",
           "the slot is adopted as one of an earlier attempt, and stored again"),
    Mutant("salts-prove-enough", "6.3", CAPTURE,
           "    if (scanner_->position() != *stored_) lose_continuity();\n", "",
           "the start has looked for the same position in the WAL"),
    Mutant("backfill-proves-enough", "6.3", CAPTURE,
           "stored_->frame > header.max_frame ||\n"
           "       index.checkpoint.backfilled > stored_->frame)) {",
           "stored_->frame > header.max_frame)) {",
           "not reached: the start or the count of commits has asked for a comparison"),
    Mutant("empty-wal-proves", "6.3", CAPTURE, "      (stored_->frame == 0 || ", "      (",
           "not reached: the start or the count of commits has asked for a comparison"),
    Mutant("never-compares", "6.3", CAPTURE,
           "  needs_compare_ = true;\n  continues_ = false;\n", "  continues_ = false;\n"),
    Mutant("counts-no-commits", "4, lending 4", CAPTURE,
           "    case CommitCount::Finding::Missed:\n    case CommitCount::Finding::BeganAnew:\n"
           "      require_compare();\n",
           "    case CommitCount::Finding::Missed:\n    case CommitCount::Finding::BeganAnew:\n"),
    Mutant("forgets-that-it-shrank", "6.3", UPLOADER,
           "  if (job.commit != stored_.get().pages) found.differ.add(Pgno{1});\n", ""),
    Mutant("old-sums", "6.3", STORED,
           "    job.pages.for_each([&](Pgno pgno) { sums_.set(pgno, encoded.sums[i++], "
           "state_.txid); });\n",
           "    job.pages.for_each([&](Pgno) { ++i; });\n",
           "a comparison with old sums stores more than it has to"),
    Mutant("compacts-too-little", "9", COMPACTOR,
           "source.sums.stored_after(levels_->end_of(level));",
           "source.sums.stored_after(levels_->end_of(level).next());",
           "not reached: no page changes only in the first upload after a compaction"),
    Mutant("behind-goes-on", "3", LOOK,
           "  if (reach == Reach::Behind) return LocalFinding::Behind;\n", ""),
    Mutant("fork-goes-on", "3", LOOK,
           "reach == Reach::Forked ? LocalFinding::Diverged : LocalFinding::Known;",
           "LocalFinding::Known;",
           "not reached: two hosts that change one volume are not simulated"),
    Mutant("keeps-the-old-wal", "3", "src/replication/startup/set_aside.cpp",
           "    if (!os::exists(with_suffix(database, suffix))) continue;\n",
           "    if (!suffix.empty() || !os::exists(with_suffix(database, suffix))) continue;\n"),
    Mutant("stops-without-a-look", "10", "src/replication/verdict.cpp",
           "  if (!sight.is_stored) return \"the time was too short\";\n", "",
           "a job is offered in the same turn, and its snapshot is waited for"),
    Mutant("believes-the-wal-read", "10", "src/replication/verdict.cpp",
           "  if (!sight.is_wal_read) return \"the WAL was not read to its end\";\n", "",
           "the other proofs of the verdict see the same"),
    Mutant("restores-old-over-new", "7", "src/replication/restore/restore_pages.cpp",
           "const bool counts = entry.pgno.value <= commit_ && !covered_.contains(entry.pgno);",
           "const bool counts = entry.pgno.value <= commit_;"),
    Mutant("stale-file-note", "6.3", BOOT,
           "    found_.noted = noted_file(request_.database, directory_.get());",
           "    found_.noted = read_file_note(directory_.get());"),
    Mutant("notes-before-it-is-reached", "6.3", UPLOADER,
           "  if (is_equal && deps_.store) stored_", "  if (is_equal) stored_"),
)
