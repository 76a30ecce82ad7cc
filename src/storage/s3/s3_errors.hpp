// What an S3 answer means. Pure: the whole table of status and error code in one place.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "walwrap/base/result.hpp"
#include "walwrap/base/types.hpp"
#include "walwrap/http/message.hpp"
#include "walwrap/storage/s3/s3_xml.hpp"

namespace walwrap::storage {

enum class Meaning {
  Done,
  NotThere,       // for a listing this is no answer: a bucket without objects lists none
  ExistsAlready,  // a create-only PUT met something
  Changed,        // an If-Match did not hold
  Denied,
  Throttled,           // slow down: honour Retry-After
  Unavailable,         // try again; surely not carried out
  Unknown,             // it may have happened
  Malformed,           // never "empty"
  ClockSkew,           // ours is off; the answer's Date says by how much
  CredentialsExpired,  // fetch new ones, then again
  WrongRegion,         // the answer may name the right one
  NotImplemented,      // the store does not know this header or operation
  OutOfRange,          // the object ends before the range
  Refused,             // this request will not be taken, however often it is sent
  NoBucket,            // the bucket does not exist: neither "empty" nor "not there"
};

enum class Effect { Reads, Writes };

struct S3Answer {
  const http::Response& response;
  const S3Error& error;  // parsed from the body, if it was not a success
  Effect effect = Effect::Reads;
};
Meaning meaning_of(const S3Answer& answer);

// The code of object_store.hpp for it, with a sentence: what was asked, status, the store's code
// and message, and for what a person must mend, what to do.
Error error_of(Meaning meaning, const S3Answer& answer, std::string_view what);

// Seconds or an HTTP date; 0: it says nothing. Never more than a minute.
std::chrono::milliseconds retry_after(const http::Response& response, WallTime now);
std::optional<WallTime> server_time(const http::Response& response);  // of the Date header

}  // namespace walwrap::storage
