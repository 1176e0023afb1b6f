import JSON
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Optimizer")
struct OptimizerTests {
    static let rules: [(name: String, rule: any UpdateRule)] = [
        ("adamw", AdamW()), ("lion", Lion()), ("sgd", StochasticGradientDescent()),
        ("nesterov", StochasticGradientDescent(isNesterov: true)), ("adafactor", Adafactor()),
        ("adafactor_relative", Adafactor(isRelative: true)),
    ]
    private let goldens: JSON

    init() throws { goldens = try OptimizationGoldens.section("optimizers") }

    private func parameters() -> [Parameter] {
        [
            Parameter("table.weight", goldens.tensor("table", [6, 5])),
            Parameter("layer.bias", goldens.tensor("bias", [5])),
        ]
    }

    private func optimizer(_ parameters: [Parameter], _ rule: any UpdateRule) -> Optimizer {
        Optimizer(
            parameters, rule,
            groups: parameters.map { ParameterGroup($0, weightDecay: 0.1) })
    }

    /// Gives the gradients of a step, of the table dense or of the rows that are not zero.
    private func accumulate(_ step: Int, _ parameters: [Parameter], sparse: Bool) {
        let gradients = goldens["gradients"]?.array?[step] ?? .null
        let table = gradients.tensor("table", [6, 5])
        if sparse {
            let rows = (0..<6).filter { row in table.row(row).contains { $0 != 0 } }.map { Int32($0) }
            parameters[0].accumulate(rows: SparseRows(shape: [6, 5], indices: rows, values: table.gather(rows)))
        } else {
            parameters[0].accumulate { $0 = table }
        }
        parameters[1].accumulate { $0 = gradients.tensor("bias", [5]) }
    }

    @Test(
        "ten clipped steps with weight decay are those of torch, transformers and lion-pytorch",
        arguments: 0..<6, [false, true])
    func parity(rule: Int, sparse: Bool) throws {
        let (name, rule) = Self.rules[rule]
        let parameters = parameters()
        let optimizer = optimizer(parameters, rule)
        for step in 0..<10 {
            accumulate(step, parameters, sparse: sparse)
            optimizer.step(learningRate: 0.05)
            optimizer.clearGradients()
        }
        let expected = goldens["results"]?[name] ?? .null
        #expect(parameters[0].value.largestDifference(from: expected.tensor("table", [6, 5])) < 1e-5)
        #expect(parameters[1].value.largestDifference(from: expected.tensor("bias", [5])) < 1e-5)
    }

    @Test("a restored optimizer goes on to the same bits", arguments: 0..<6)
    func restoring(rule: Int) throws {
        let rule = Self.rules[rule].rule
        func run(_ steps: Range<Int>, _ parameters: [Parameter], _ state: OptimizerState?) throws -> OptimizerState {
            let optimizer = Optimizer(parameters, rule, averageDecay: 0.9)
            if let state { try optimizer.restore(state) }
            for step in steps {
                accumulate(step, parameters, sparse: true)
                optimizer.step(learningRate: 0.05)
                optimizer.clearGradients()
            }
            return optimizer.state
        }
        let whole = parameters()
        let all = try run(0..<10, whole, nil)
        let halves = parameters()
        let half = try run(0..<4, halves, nil)
        #expect(half.steps == 4)
        #expect(try run(4..<10, halves, half) == all)
        #expect(halves.map(\.value) == whole.map(\.value))
    }

    @Test("a restored state from before the first step brings back the moving averages too")
    func restoringTheStart() throws {
        let parameter = Parameter("a", Tensor([1], [2]))
        let optimizer = Optimizer([parameter], StochasticGradientDescent(momentum: 0), averageDecay: 0.9)
        let start = optimizer.state
        parameter.accumulate { $0 = Tensor([1], [.nan]) }
        optimizer.step(learningRate: 1)
        try optimizer.restore(start)
        #expect(optimizer.state == start)
        optimizer.exchangeAverages()
        #expect(parameter.value.values == [2])
    }

    @Test("a state of another shape, or with parts missing, is refused")
    func mismatch() throws {
        let optimizer = Optimizer([Parameter("a.weight", .zeros([2, 3]))])
        let counted = ["a.weight.steps": Tensor([1], [1]), "a.weight.moved": Tensor.zeros([2])]
        func found(_ tensors: [String: Tensor]) -> OptimizerState.Mismatch? {
            #expect(throws: OptimizerState.Mismatch.self) {
                try optimizer.restore(OptimizerState(steps: 1, tensors: tensors))
            }
        }
        let missing = try #require(found(counted))
        #expect(missing.name == "a.weight.first" && missing.found == nil && missing.expected == [2, 3])
        let wrong = try #require(found(counted.merging(["a.weight.first": .zeros([3])]) { $1 }))
        #expect(wrong.name == "a.weight.first" && wrong.found == [3])
    }

    @Test("groups learn at their own rate, and a parameter without gradient stays as it is")
    func groups() {
        let parameters = ["a", "b", "c"].map { Parameter($0, Tensor([1], [1])) }
        let groups = [1, 0.5, 1].map { ParameterGroup(parameters[0], rateFactor: $0) }
        let optimizer = Optimizer(parameters, StochasticGradientDescent(momentum: 0), groups: groups)
        for parameter in parameters.prefix(2) { parameter.accumulate { $0 = Tensor([1], [0.5]) } }
        optimizer.step(learningRate: 0.1)
        #expect(abs(parameters[0].value.values[0] - 0.95) < 1e-6)
        #expect(abs(parameters[1].value.values[0] - 0.975) < 1e-6)
        #expect(parameters[2].value.values[0] == 1)
        #expect(optimizer.state.tensors["c.steps"] == nil && optimizer.state.tensors["b.steps"] != nil)
    }

    @Test("moving averages follow the weights, and change places with them")
    func averages() {
        let parameter = Parameter("a", Tensor([1], [0]))
        let optimizer = Optimizer([parameter], StochasticGradientDescent(momentum: 0), averageDecay: 0.25)
        for _ in 0..<3 {
            parameter.accumulate { $0 = Tensor([1], [-1]) }
            optimizer.step(learningRate: 1)
            optimizer.clearGradients()
        }
        // Weights 1, 2, 3; of the first step 2/11 is kept, then 3/12, then at most 1/4.
        let first: Float = 9.0 / 11
        let expected = ((first * 0.25 + 2 * 0.75) * 0.25) + 3 * 0.75
        #expect(parameter.value.values == [3])
        optimizer.exchangeAverages()
        #expect(abs(parameter.value.values[0] - expected) < 1e-6)
        optimizer.exchangeAverages()
        #expect(parameter.value.values == [3])
    }
}
