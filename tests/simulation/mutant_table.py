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
LOOP = "src/replication/capture_loop.cpp"
REPLICATOR = "src/replication/replicator.cpp"
LENDING = "src/sqlite/lending.cpp"
CHECK = "src/replication/upload/replica_check.cpp"
FILES = "src/replication/capture/database_files.cpp"
ATTACHMENT = "src/replication/attachment.cpp"
VERDICT = "src/replication/verdict.cpp"
PAGES = "src/replication/restore/restore_pages.cpp"

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
           "  if (path.native().size() > 0) return {};"),
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
    Mutant("no-checkpoint-lock", "4", OWNER,
           "    const bool is_ours = TRY(try_lock(*holder_, wal::kCheckpointLock));\n"
           "    if (is_ours) break;",
           "    break;"),
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
    Mutant("salts-prove-enough", "6.3", CAPTURE,
           "    if (scanner_->position() != *stored_) lose_continuity();\n", "",
           "no app runs on a disk that lost stored frames before a start has looked"),
    Mutant("never-compares", "6.3", CAPTURE,
           "  needs_compare_ = true;\n  continues_ = false;\n", "  continues_ = false;\n"),
    Mutant("counts-no-commits", "4, lending 4", CAPTURE,
           "    case CommitCount::Finding::Missed:\n    case CommitCount::Finding::BeganAnew:\n"
           "      require_compare();\n",
           "    case CommitCount::Finding::Missed:\n    case CommitCount::Finding::BeganAnew:\n",
           "no commit is missed while the other rules hold"),
    Mutant("forgets-that-it-shrank", "6.3", UPLOADER,
           "  if (job.commit != stored_.get().pages) found.differ.add(Pgno{1});\n", "",
           "the same: page 1 names the size, so that it differs in any case"),
    Mutant("compacts-too-little", "9", COMPACTOR,
           "source.sums.stored_after(levels_->end_of(level));",
           "source.sums.stored_after(level == kSnapshotLevel ? Txid{0} : "
           "levels_->end_of(level).next());"),
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
           "  if (is_equal && deps_.store) stored_", "  if (is_equal) stored_",
           "the note of the settled file now tells the start the same"),
    # Laws and rules of the design that have no mutant above.
    Mutant("waits-with-the-write-lock", "Law 9", SNAPSHOT,
           "    const auto begun = connection_.execute(\"BEGIN; SELECT",
           "    set_write_lock(connection_.file(), WriteLock::Allowed);\n"
           "    const auto begun = connection_.execute(\"BEGIN IMMEDIATE; SELECT"),
    Mutant("no-guard-while-lent", "4.2, lending 1", LENDING,
           "  owner.release_lock();\n  return lending;",
           "  owner.release_restart_guard();\n  owner.release_lock();\n  return lending;"),
    Mutant("reads-from-the-file", "5", SNAPSHOT,
           "      if (uses_wal) return Moment{.index = after->header, .all_backfilled = false};\n",
           "      if (uses_wal) return Moment{.index = after->header, .all_backfilled = true};\n"),
    Mutant("takes-any-size-for-the-same", "6.2", UPLOADER,
           "  if (info.size == encoded.size && parsed.file_checksum == encoded.file_checksum) "
           "return {};\n",
           "  if (info.size > 0 || parsed.file_checksum == encoded.file_checksum) return {};\n"),
    Mutant("snapshot-of-unstored-pages", "9", UPLOADER,
           "  if (!compared.to_store.empty()) {\n    PageSet all",
           "  if (false) {\n    PageSet all"),
    Mutant("unreachable-is-empty", "3", LOOK,
           "  look.finding = damaged ? ReplicaFinding::Damaged : ReplicaFinding::Unreachable;\n",
           "  look.finding = damaged ? ReplicaFinding::Damaged : ReplicaFinding::Empty;\n"),
    Mutant("always-clean", "6.3", STORED,
           "  const auto saved = save(false);\n", "  const auto saved = save(true);\n"),
    Mutant("settles-what-was-not-captured", "4.2", OWNER,
           "  TRY(capture());\n  const auto index = read_index();\n"
           "  if (!index || index->not_backfilled() > 0) return false;\n  return cut_wal();",
           "  return cut_wal();"),
    Mutant("lost-reply-is-foreign", "6.2", UPLOADER,
           "  if (!stored_.get().is_own(header.node)) {",
           "  if (encoded.size > 0 || !stored_.get().is_own(header.node)) {"),
    Mutant("sums-name-another-upload", "9", STORED,
           "sums_.set(pgno, encoded.sums[i++], state_.txid); });\n",
           "sums_.set(pgno, encoded.sums[i++], Txid{1}); });\n"),
    Mutant("compacts-half", "9", COMPACTOR,
           "source.sums.stored_after(levels_->end_of(level));",
           "source.sums.stored_after(Txid{levels_->end_of(level).value * 3 / 2});"),
    Mutant("compacts-over-a-gap", "9", COMPACTOR,
           "  const TxidRange txids{levels_->end_of(level).next(), txid};\n"
           "  WW_CHECK(txids.first <= txids.last);\n",
           "  const TxidRange txids{levels_->end_of(level).next().next(), txid};\n"),
    Mutant("ends-above-where-below-failed", "9", COMPACTOR,
           "    if (!put_if_worth(source, level)) return;\n",
           "    static_cast<void>(put_if_worth(source, level));\n",
           "a file of level 2 needs 3,600 uploads"),
    Mutant("restores-lost-pages", "7", PAGES,
           "const bool counts = entry.pgno.value <= commit_ && !covered_.contains(entry.pgno);",
           "const bool counts = !covered_.contains(entry.pgno);"),
    Mutant("restores-over-a-change", "7", BOOT,
           "  TRY(check_nothing_changed());\n  TRY(claim());\n  TRY(set_database_aside(",
           "  TRY(claim());\n  TRY(set_database_aside(",
           "only walwrap writes to a disk during a start, and slots are create-only"),
    # Each of these reverts the mend of a row of docs/incidents.md.
    Mutant("takes-the-write-lock", "incident", "src/sqlite/shim.cpp",
           "  if (takes_write_lock && shim->write_lock == WriteLock::Refused) return ",
           "  if (false && takes_write_lock && shim->write_lock == WriteLock::Refused) return ",
           "nothing can happen between two writes to shared memory"),
    Mutant("what-differs-is-newer", "incident", LOOK,
           "    case PagesAre::Older:\n    case PagesAre::Mixed:\n"
           "      return LocalFinding::Behind;\n",
           "    case PagesAre::Older:\n    case PagesAre::Mixed:\n"
           "      return LocalFinding::Known;\n"),
    Mutant("forgets-the-evidence", "incident", "src/replication/startup/reconnect.cpp",
           "    if (request.app_running) return kEdited;\n",
           "    if (request.app_running || found.differences) return kEdited;\n"),
    Mutant("changes-the-mode-at-once", "incident", "src/replication/attacher.cpp",
           "  const bool is_now = sight && is_time(*sight, now);\n",
           "  const bool is_now = sight && (is_time(*sight, now) || true);\n",
           "every simulated app has a busy timeout"),
    Mutant("follows-no-sidecar", "incident", FILES,
           "  if (!same_wal && at_path.wal) return Difference::WalReplaced;\n"
           "  if (!same_index && at_path.index) return Difference::IndexReplaced;\n"
           "  if (!same_wal) return Difference::WalGone;\n"
           "  if (!same_index) return Difference::IndexGone;\n",
           "  static_cast<void>(same_wal);\n  static_cast<void>(same_index);\n"),
    Mutant("never-settles", "incident", LOOP,
           "  if (!settle_pause_.on_look(use, seen_.last_commit, now)) return false;\n",
           "  if (!settle_pause_.on_look(use, seen_.last_commit, now)) return false;\n"
           "  return false;\n"),
    Mutant("trusts-the-file", "incident", ATTACHMENT,
           "  if (database == known) return true;\n",
           "  if (database.size > 0 || database == known) return true;\n"),
    Mutant("looks-not-at-the-files", "incident", LOOP,
           "  if (!check_files()) return;\n  const auto index =", "  const auto index ="),
    Mutant("no-last-look-at-the-files", "incident", LOOP,
           "      is_attached() && check_files() &&\n"
           "      attachment_->difference(DatabaseFiles::at(options_.database)) == "
           "Difference::None;\n",
           "      is_attached();\n",
           "the look of the same turn sees it; later is as after the verdict"),
    Mutant("gone-is-ok", "incident", LOOP,
           "  mailboxes_.report.offer({.outcome = verdict.outcome,",
           "  const bool is_nothing = verdict.outcome == FlushOutcome::Nothing;\n"
           "  mailboxes_.report.offer({.outcome = is_nothing ? FlushOutcome::Ok\n"
           "                                                 : verdict.outcome,"),
    Mutant("believes-spoiled-sums", "incident", "src/replication/replica/page_sums.cpp",
           "      load_le64(bytes.subspan(8)) >> kTxidBits == record_check(pgno, found.sum, "
           "found.stored_by);\n",
           "      (load_le64(bytes.subspan(8)) >> kTxidBits == record_check(pgno, found.sum,\n"
           "      found.stored_by) || found.sum != 0);\n"),
    Mutant("attaches-before-it-decides", "incident", "src/replication/startup/local_pages.cpp",
           "  const auto still = open_still(database);\n  if (!still) {\n"
           "    const bool has_index = os::exists(database.string() + \"-shm\");\n"
           "    if (still.error().code != Code::Busy || !has_index) return fail(still.error());\n",
           "  const auto still = open_still(database);\n  if (!still || still->pages() > 0) {\n"),
    Mutant("forgets-earlier-writers", "incident", "src/replication/replica/state.cpp",
           "  if (writer.value != 0) earlier_writers.insert(earlier_writers.begin(), writer);\n",
           "  earlier_writers.clear();\n"),
    Mutant("unknown-is-diverged", "incident", LOOK,
           "? LocalFinding::Behind : LocalFinding::Unknown;",
           "? LocalFinding::Behind : LocalFinding::Diverged;",
           "no litestream continues a local database"),
    Mutant("proves-nothing-at-the-store", "incident", REPLICATOR,
           "  if (report && report->outcome == FlushOutcome::Ok) prove(*report, deadline);\n", ""),
    Mutant("gaps-are-fine", "incident", CHECK,
           "  if (sight.chain && !sight.chain->gap.empty()) {",
           "  if (false && sight.chain && !sight.chain->gap.empty()) {"),
    Mutant("moved-back-is-stored", "incident", LOOP,
           "  attachment_->capture().require_compare();\n  tracker_.on_unknown();\n",
           "  tracker_.on_unknown();\n"),
    Mutant("no-mend-at-a-start", "incident", BOOT,
           "  return replica_.has_gap && is_known() ? decide_despite_gap(decision) : decision;\n",
           "  return false && is_known() ? decide_despite_gap(decision) : decision;\n",
           "a start may be refused after an object was lost"),
    Mutant("time-proves-the-file", "incident", LOOK,
           "      pages && (pages->holds_newest || evidence.written > replica.newest.timestamp);",
           "      pages && evidence.written > replica.newest.timestamp;"),
    Mutant("forgets-that-it-was-settled", "incident", LOOK,
           "evidence.settled_at.value > 0 && evidence.wal.commits.empty();",
           "evidence.settled_at.value > 0 && evidence.wal.commits.empty() && false;",
           "no app sets a page back to what it was"),
    Mutant("no-copy-guard-while-lent", "incident", LENDING,
           "  const bool has_copy_guard = TRY(owner_->take_copy_guard());\n"
           "  if (!has_copy_guard) return false;\n", ""),
    Mutant("releases-the-guard-unchecked", "incident", LENDING,
           "  if (!index || index->header != captured_ || index->not_backfilled() > 0) {\n"
           "    owner_->release_copy_guard();\n    return false;\n  }\n",
           "  if (!index) return false;\n"),
    Mutant("pool-needs-threads", "incident", "src/replication/replica/fetch.cpp",
           "  if (thread) {\n    added.thread = *std::move(thread);\n"
           "    has_thread_ = true;\n  }\n",
           "  if (!thread) return fail(Code::Unavailable, \"no thread\");\n"
           "  added.thread = *std::move(thread);\n  has_thread_ = true;\n"),
    Mutant("no-sync-at-attach", "incident", ATTACHMENT,
           "  TRY(os::sync_directory(os::directory_of(made->owner_->database())));\n", ""),
    Mutant("flush-names-the-last-upload", "incident", REPLICATOR,
           "  if (report->outcome == FlushOutcome::Ok) report->txid = uploader_->state().txid;\n",
           ""),
    Mutant("file-under-the-wal-is-known", "incident", LOOK,
           "found.reach == Reach::Proven && !evidence.is_file_known;",
           "false && found.reach == Reach::Proven && !evidence.is_file_known;"),
    Mutant("stores-what-is-damaged", "incident", LOOP,
           "  if (damage.empty()) return true;\n  found.owner().abandon();",
           "  if (damage.empty() || true) return true;\n  found.owner().abandon();",
           "what is put in place of a database is intact"),
    Mutant("reads-across-a-hole", "incident", CAPTURE,
           "  if (scanner_->position().frame > index.checkpoint.backfilled) TRY(check_end());\n",
           "", "nobody cuts the WAL of an open app"),
    Mutant("hidden-is-gone", "incident", FILES,
           "          .may_be_there = !found && found.error().code != Code::NotFound,",
           "          .may_be_there = false,", "permissions are not simulated"),
    Mutant("believes-a-look-of-long-ago", "incident", LOOP,
           "  tracker_.on_proven(is_proven);\n", "  tracker_.on_proven(true);\n"),
    Mutant("looks-not-before-an-upload", "incident", UPLOADER,
           "  if (watch_.holds_directory(*deps_.store)) {\n"
           "    if (const auto ours = require_replica(LookAt::Newest); !ours) {",
           "  if (false && watch_.holds_directory(*deps_.store)) {\n"
           "    if (const auto ours = require_replica(LookAt::Newest); !ours) {"),
)
