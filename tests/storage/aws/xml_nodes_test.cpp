#include "walwrap/storage/aws/xml_nodes.hpp"

#include <doctest/doctest.h>

namespace walwrap::storage {
namespace {

TEST_CASE("elements are found by their names in any namespace") {
  pugi::xml_document document;
  const auto root = load_xml(document, "<a:x xmlns:a=\"urn:a\">t<a:y>1</a:y><y>2</y></a:x>", "x");
  REQUIRE(root.has_value());
  CHECK(local_name(*root) == "x");
  CHECK(text_of(*root, "y") == "1");
  CHECK(text_of(*root, "z").empty());
  CHECK_FALSE(child(*root, "z"));
}

TEST_CASE("an answer that is not XML, or is another document, is corrupt") {
  pugi::xml_document document;
  CHECK(load_xml(document, "<x", "x").error().code == Code::Corrupt);
  CHECK(load_xml(document, "", "x").error().code == Code::Corrupt);
  CHECK(load_xml(document, "<y/>", "x").error().code == Code::Corrupt);
}

TEST_CASE("an error element is found alone and inside its wrapper") {
  pugi::xml_document document;
  const auto code_in = [&](const char* xml) {
    document.load_string(xml);
    return text_of(error_node(document.document_element()), "Code");
  };
  CHECK(code_in("<Error><Code>a</Code></Error>") == "a");
  CHECK(code_in("<ErrorResponse><Error><Code>b</Code></Error></ErrorResponse>") == "b");
  CHECK(code_in("<html><Error><Code>c</Code></Error></html>").empty());
}

}  // namespace
}  // namespace walwrap::storage
