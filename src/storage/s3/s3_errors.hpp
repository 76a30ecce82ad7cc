// The meaning of an S3 answer. Pure: the whole table of status and error code in one place.
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
  NotThere,       // not an answer to a listing: a bucket without objects lists none
  ExistsAlready,  // the object of a create-only PUT exists already
  Changed,        // an If-Match did not hold
  Denied,
  Throttled,           // slow down: respect Retry-After
  Unavailable,         // try again; certainly not carried out
  Unknown,             // it may have happened
  Malformed,           // never "empty"
  ClockSkew,           // the local clock is wrong; the answer's Date tells by how much
  CredentialsExpired,  // fetch new ones, then try again
  WrongRegion,         // the answer may name the right one
  NotImplemented,      // the store does not know this header or operation
  OutOfRange,          // the object ends before the range
  Refused,             // this request will never be accepted
  NoBucket,            // the bucket does not exist: neither "empty" nor "not there"
};

enum class Effect { Reads, Writes };

struct S3Answer {
  const http::Response& response;
  const S3Error& error;  // parsed from the body, if it was an error
  Effect effect = Effect::Reads;
};
Meaning meaning_of(const S3Answer& answer);

// Its code of object_store.hpp, with a sentence: the request, the status, the store's code and
// message, and what to do if a person must act.
Error error_of(Meaning meaning, const S3Answer& answer, std::string_view what);

// Seconds or an HTTP date. 0: not given. At most a minute.
std::chrono::milliseconds retry_after(const http::Response& response, WallTime now);
std::optional<WallTime> server_time(const http::Response& response);  // of the Date header

}  // namespace walwrap::storage
