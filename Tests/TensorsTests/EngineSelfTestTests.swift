import Tensors
import Testing

@Suite("EngineSelfTest")
struct EngineSelfTestTests {
    @Test("products agree with sums in Double, and panels with whole rows", arguments: Precision.available)
    func passes(precision: Precision) {
        let test = EngineSelfTest(precision)
        #expect(test.passed && test.panelsAgree, "\(test)")
        // Rounding does show, else something other than this precision was measured.
        #expect(test.largestError > (precision == .f32 ? 0 : 1e-5))
    }
}
