// What differs by kind of store: how keys are spelled, and how uploads follow each other. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "walwrap/replication/replica/layout.hpp"
#include "walwrap/replication/upload/pace.hpp"
#include "walwrap/storage/object_store.hpp"

namespace walwrap::replication {

KeyStyle key_style_of(storage::StoreKind kind);

// While writing goes on: `interval` if it is given (not 0), or by kind. One that bills each request
// gets one a second. In a directory, which is most often on the app's disk, they make the disk
// flush, and an app that commits with synchronous=FULL all the time waits for the same disk.
Pace::Options upload_pace(storage::StoreKind kind, std::chrono::milliseconds interval);

// While a client waits: a directory costs nothing, and gets a fifth of the time.
std::optional<Pace::Options> pace_of_waits(storage::StoreKind kind);

}  // namespace walwrap::replication
