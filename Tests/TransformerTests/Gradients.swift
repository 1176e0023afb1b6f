import Checkpoints
import Tensors
import TestSupport
import Testing
import Transformer

/// Every parameter's gradient beside the golden `gradient.NAME`; parameters without a golden have none.
func expectGradients(of parameters: [Parameter], agreeWith expected: SafeTensors) throws {
    let goldens = expected.entries.filter { $0.name.hasPrefix("gradient.") }
    // The softmax does not change when all scores of a query do: rounding is all that the keys' biases get.
    let size = try goldens.map { try expected.tensor($0).values.reduce(0) { max($0, abs($1)) } }.max() ?? 1
    var compared = 0
    for parameter in parameters {
        guard let entry = expected["gradient." + parameter.name] else {
            #expect(parameter.gradient == nil, "\(parameter.name) has no golden")
            continue
        }
        let golden = try expected.tensor(entry)
        let found = try #require(parameter.gradient?.dense, "\(parameter.name) has no gradient")
        let limit = max(1e-4 * golden.values.reduce(0) { max($0, abs($1)) }, 1e-6 * size)
        #expect(found.largestDifference(from: golden) < limit, "\(parameter.name)")
        compared += 1
    }
    #expect(compared == goldens.count && compared > 0)
}
