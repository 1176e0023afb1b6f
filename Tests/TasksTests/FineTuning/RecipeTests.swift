import Tasks
import Testing

@Suite("Recipe")
struct RecipeTests {
    @Test("the less data, the more epochs and the smaller the batches")
    func data() {
        func recipe(_ examples: Int) -> [Int] {
            let recipe = Recipe(.full, examples: examples, hiddenSize: 384)
            return [recipe.epochs, recipe.batchSize]
        }
        #expect(recipe(1) == [20, 16])
        #expect(recipe(360) == [5, 16])
        #expect(recipe(900) == [3, 16])
        #expect(recipe(3999) == [3, 16])
        #expect(recipe(4000) == [3, 32])
        #expect(recipe(20_000) == [2, 32])
        #expect(recipe(200_000) == [1, 32])
    }

    @Test(
        "the wider the model, the lower the learning rate, in two digits",
        arguments: [
            (128, 5e-4), (384, 1e-4), (512, 5.6e-5), (768, 2.5e-5), (1024, 1.4e-5),
        ])
    func size(hiddenSize: Int, rate: Double) {
        #expect(Recipe(.full, examples: 1000, hiddenSize: hiddenSize).learningRate == rate)
    }

    @Test("small models learn without dropout where all of them learns")
    func dropout() {
        #expect(Recipe(.full, examples: 1000, hiddenSize: 384).dropout == 0)
        #expect(Recipe(.full, examples: 1000, hiddenSize: 768).dropout == nil)
        #expect(Recipe(.lora, examples: 1000, hiddenSize: 384).dropout == nil)
    }

    @Test("other methods keep their learning rates", arguments: FineTuning.Method.allCases.filter { $0 != .full })
    func methods(method: FineTuning.Method) {
        let recipe = Recipe(method, examples: 1000, hiddenSize: 768)
        #expect(recipe.learningRate == FineTuning.Configuration(method: method).learningRate)
        #expect(recipe.epochs >= FineTuning.Configuration(method: method).epochs)
    }
}
