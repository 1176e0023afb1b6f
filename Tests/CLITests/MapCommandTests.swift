import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft map")
struct MapCommandTests {
    private let scratch: TemporaryDirectory
    private let graft = Graft()

    init() throws { scratch = try TemporaryDirectory() }

    @Test("a page has every text, as text; labels are as many as texts; a file that is there stays")
    func page() async throws {
        let model = try TinyModel.make(in: scratch, named: "m").string
        let texts = (0..<30).map { "film \($0) </script><b>\"x\" & 'y'" }
        let input = try scratch.write(texts.joined(separator: "\n"), to: "texts").string
        #expect(try await graft("index", model, scratch("i").string, input).status == 0)
        let labels = try scratch.write((0..<30).map { "label<\($0 % 2)>" }.joined(separator: "\n"), to: "labels").string
        let made = try await graft(
            "map", scratch("i").string, "--output", scratch("map.html").string, "--labels", labels, "--title", "a<b")
        #expect(made.status == 0, "\(made.errors)")
        let page = String(decoding: try #require(contents(of: scratch("map.html"))), as: UTF8.self)
        #expect(page.contains("<title>a&lt;b</title>") && page.contains("label&lt;1&gt;</button>"))
        #expect(!page.contains("<b>\"x\"") && page.components(separatedBy: "</script>") == 2)
        let attribute = try #require(page.split(separator: "data-points=\"").last?.split(separator: "\"").first)
        let text = attribute.replacing("&quot;", with: "\"").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
            .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
        let data = try JSON(parsing: Array(text.utf8))
        #expect(data["text"]?.array?.map { $0.string } == texts && data["x"]?.numbers.count == 30)
        #expect(data["label"]?.integers == (0..<30).map { $0 % 2 })

        let again = try await graft("map", scratch("i").string, "--output", scratch("map.html").string)
        #expect(again.status == 1 && again.errors.contains("exists already"))
        let few = try scratch.write("one\n", to: "few").string
        let refused = try await graft("map", scratch("i").string, "--output", scratch("b.html").string, "--labels", few)
        #expect(refused.status == 1 && refused.errors.contains("1 label; the index has 30 texts, and each needs one."))
        let groups = try await graft(
            "map", scratch("i").string, "--output", scratch("c.html").string, "--k", "3", "--sample", "12")
        #expect(groups.status == 0 && contents(of: scratch("c.html")) != nil)
    }
}

extension String {
    fileprivate func components(separatedBy text: String) -> Int { ranges(of: text).count + 1 }
}
