// What depends on the kind of store: the form of its object keys, and the pace of uploads. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/upload/pace.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

KeyStyle key_style_of(storage::StoreKind kind);

// During continuous writes: `interval` if it is given (not 0), otherwise by kind. A store that
// bills each request gets one upload per second. A directory is usually on the app's disk, where
// each upload flushes the disk, and an app that commits with synchronous=FULL waits for the same
// disk.
Pace::Options upload_pace(storage::StoreKind kind, std::chrono::milliseconds interval);

// While a client waits: uploads to a directory are free and get a fifth of the time.
std::optional<Pace::Options> pace_of_waits(storage::StoreKind kind);

}  // namespace walwrap::replication
