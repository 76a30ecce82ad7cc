#include "walwrap/storage/s3/s3_xml.hpp"

#include <doctest/doctest.h>

#include <string>

namespace walwrap::storage {
namespace {

std::string list(const std::string& inside) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
         "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         inside + "</ListBucketResult>";
}
std::string object(const std::string& key, const std::string& size = "120",
                   const std::string& time = "2026-01-01T00:00:01.250Z") {
  return "<Contents><Key>" + key + "</Key><LastModified>" + time +
         "</LastModified><ETag>\"x\"</ETag>" + "<Size>" + size + "</Size></Contents>";
}
const std::string kWhole = "<IsTruncated>false</IsTruncated>";

TEST_CASE("a listing gives object keys, sizes, times and where it continues") {
  const auto page = parse_list(list("<Name>b</Name><KeyCount>2</KeyCount>"
                                    "<IsTruncated>true</IsTruncated>"
                                    "<NextContinuationToken>a&amp;b+/=</NextContinuationToken>" +
                                    object("app/0000/a.ltx") + object("app/0000/b.ltx", "0")))
                        .value();
  REQUIRE(page.objects.size() == 2);
  CHECK(page.objects[0].key == "app/0000/a.ltx");
  CHECK(page.objects[0].size == 120);
  CHECK(format_rfc3339(page.objects[0].modified) == "2026-01-01T00:00:01.250Z");
  CHECK(page.next_token == "a&b+/=");
  const auto last = parse_list(list(kWhole + object("k"))).value();
  CHECK(last.next_token.empty());
}

TEST_CASE("only a listing that says so is empty") {
  CHECK(parse_list(list(kWhole)).value().objects.empty());
}

TEST_CASE("object keys are decoded only if the listing says that they are encoded") {
  const auto decoded = parse_list(list("<EncodingType>url</EncodingType>" + kWhole +
                                       object("app%2F0000%2Fa+b%2Bc%C3%A9")))
                           .value();
  CHECK(decoded.objects[0].key == "app/0000/a b+c\xc3\xa9");
  const auto plain = parse_list(list(kWhole + object("a%2Fb+c&amp;d"))).value();
  CHECK(plain.objects[0].key == "a%2Fb+c&d");
}

TEST_CASE("a prefixed namespace changes nothing") {
  const auto page = parse_list(
      "<s3:ListBucketResult xmlns:s3=\"urn:x\"><s3:IsTruncated>false</s3:IsTruncated>"
      "<s3:Contents><s3:Key>k</s3:Key><s3:Size>1</s3:Size>"
      "<s3:LastModified>2026-01-01T00:00:00Z</s3:LastModified></s3:Contents>"
      "</s3:ListBucketResult>");
  REQUIRE(page.has_value());
  CHECK(page->objects.size() == 1);
}

TEST_CASE("an unreadable answer is corrupt and never an empty listing") {
  const std::string damaged[] = {
      "",
      "not xml",
      "<html><body>502 Bad Gateway</body></html>",
      "<Error><Code>AccessDenied</Code></Error>",
      "<ListAllMyBucketsResult/>",
      list(""),
      list("<IsTruncated>maybe</IsTruncated>"),
      list("<IsTruncated>true</IsTruncated>" + object("k")),
      list(kWhole + object("")),
      list(kWhole + object("k", "")),
      list(kWhole + object("k", "12x")),
      list(kWhole + object("k", "-1")),
      list(kWhole + object("k", "99999999999999999999999")),
      list(kWhole + object("k", "1", "yesterday")),
      list("<EncodingType>url</EncodingType>" + kWhole + object("bad%2")),
      list("<EncodingType>url</EncodingType>" + kWhole + object("bad%zz")),
      list(kWhole + object("k")).substr(0, 150),
  };
  for (const std::string& xml : damaged) {
    CAPTURE(xml);
    const auto page = parse_list(xml);
    REQUIRE_FALSE(page.has_value());
    CHECK(page.error().code == Code::Corrupt);
  }
}

TEST_CASE("entities that a document defines are not expanded") {
  const auto page =
      parse_list("<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" +
                 list(kWhole + object("&b;")).substr(38));
  if (page) CHECK(page->objects[0].key == "&b;");
}

TEST_CASE("an error is parsed into code, message and region") {
  const auto error = parse_error(
      "<?xml version=\"1.0\"?><Error><Code>AuthorizationHeaderMalformed</Code>"
      "<Message>the region 'a' is wrong</Message><Region>eu-west-1</Region>"
      "<Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint></Error>");
  CHECK(error.code == "AuthorizationHeaderMalformed");
  CHECK(error.message == "the region 'a' is wrong");
  CHECK(error.region == "eu-west-1");
  CHECK(error.endpoint == "b.s3.eu-west-1.amazonaws.com");
  CHECK(parse_error("<ErrorResponse xmlns=\"x\"><Error><Code>ExpiredTokenException</Code></Error>"
                    "</ErrorResponse>")
            .code == "ExpiredTokenException");
  CHECK(parse_error("<html>no</html>").code.empty());
  CHECK(parse_error("").code.empty());
}

TEST_CASE("the XML of a multipart upload is what a store understands") {
  CHECK(parse_upload_id("<InitiateMultipartUploadResult><UploadId>id/1</UploadId>"
                        "</InitiateMultipartUploadResult>")
            .value() == "id/1");
  CHECK(parse_upload_id("<InitiateMultipartUploadResult/>").error().code == Code::Corrupt);
  CHECK(format_complete_upload({{1, "\"a\""}, {2, "\"b\""}}) ==
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>\"b\"</ETag></Part></CompleteMultipartUpload>");
}

TEST_CASE("a completion with status 200 may still be an error") {
  CHECK_FALSE(parse_complete_upload("<CompleteMultipartUploadResult><ETag>x</ETag>"
                                    "</CompleteMultipartUploadResult>")
                  .value()
                  .has_value());
  const auto failed = parse_complete_upload("<Error><Code>InternalError</Code></Error>").value();
  REQUIRE(failed.has_value());
  CHECK(failed->code == "InternalError");
  CHECK(parse_complete_upload("").error().code == Code::Corrupt);
  CHECK(parse_complete_upload("<html/>").error().code == Code::Corrupt);
}

TEST_CASE("several objects are deleted at once, and each one that was not is named") {
  CHECK(format_delete({"a&b", "c"}) ==
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a&amp;b</Key>"
        "</Object><Object><Key>c</Key></Object><Quiet>true</Quiet></Delete>");
  CHECK(parse_delete("<DeleteResult/>").value().empty());
  const auto failed = parse_delete(
                          "<DeleteResult><Deleted><Key>x</Key></Deleted>"
                          "<Error><Key>a</Key><Code>AccessDenied</Code></Error>"
                          "<Error><Key>b</Key><Code>NoSuchKey</Code></Error></DeleteResult>")
                          .value();
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].first == "a");
  CHECK(failed[0].second.code == "AccessDenied");
  CHECK(parse_delete("<Error/>").error().code == Code::Corrupt);
}

}  // namespace
}  // namespace walwrap::storage
