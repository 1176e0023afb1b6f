import Checkpoints
import Testing

@Suite("Int: counted")
struct CountedTests {
    @Test("one is singular, all else plural")
    func counted() {
        #expect([0, 1, 2].map { $0.counted("text") } == ["0 texts", "1 text", "2 texts"])
        #expect([1, 12].map { $0.counted("text is", "texts are") } == ["1 text is", "12 texts are"])
    }
}
