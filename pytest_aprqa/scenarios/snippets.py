"""Small functions in eleven programming languages: what they do, their first line, and a body that completes it.

Code scenarios ask for them or give their opening; the embedded model is taught the bodies. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Snippet:
    """One function."""

    language: str
    """Lower case, such as ``csharp``."""
    task: str
    """What it does, completing "a function that ..."."""
    opening: str
    """Its first line."""
    body: str
    """The rest, a line break first."""

    @property
    def text(self) -> str:
        """The whole function."""
        return self.opening + self.body


INSTRUCTIONS: Final = (
    "Write a {language} function that {task}.",
    "Implement a {language} function that {task}.",
    "I need a {language} function that {task}.",
)
"""Ways to ask for a snippet."""

LANGUAGE_NAMES: Final = {
    "python": "Python",
    "c": "C",
    "cpp": "C++",
    "csharp": "C#",
    "go": "Go",
    "java": "Java",
    "javascript": "JavaScript",
    "kotlin": "Kotlin",
    "rust": "Rust",
    "swift": "Swift",
    "typescript": "TypeScript",
}
"""Every language with the name that people write."""

LANGUAGE_ALIASES: Final = {"js": "javascript", "ts": "typescript", "c++": "cpp", "c#": "csharp", "py": "python"}
"""Short words that playbooks use for a language."""

_PYTHON: Final = (
    ("adds two numbers", "def add(a, b):", "a + b"),
    ("subtracts two numbers", "def subtract(a, b):", "a - b"),
    ("multiplies two numbers", "def multiply(a, b):", "a * b"),
    ("divides two numbers", "def divide(a, b):", "a / b"),
    ("squares a number", "def square(x):", "x * x"),
    ("checks if a number is even", "def is_even(n):", "n % 2 == 0"),
    ("checks if a number is odd", "def is_odd(n):", "n % 2 == 1"),
    ("checks if a number is prime", "def is_prime(n):", "n > 1 and all(n % i for i in range(2, n))"),
    ("calculates the factorial of a number", "def factorial(n):", "1 if n < 2 else n * factorial(n - 1)"),
    ("returns a Fibonacci number", "def fibonacci(n):", "n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)"),
    ("reverses a string", "def reverse_string(s):", "s[::-1]"),
    ("finds the maximum of a list", "def find_max(numbers):", "max(numbers)"),
    ("finds the minimum of a list", "def find_min(numbers):", "min(numbers)"),
    ("sums a list", "def sum_list(numbers):", "sum(numbers)"),
    ("sorts a list", "def sort_list(items):", "sorted(items)"),
    ("counts the vowels in a text", "def count_vowels(text):", 'sum(c in "aeiou" for c in text)'),
    ("counts the words in a text", "def count_words(text):", "len(text.split())"),
    ("greets a person", "def greet(name):", '"Hello, " + name + "!"'),
    ("checks if a text is a palindrome", "def is_palindrome(s):", "s == s[::-1]"),
    ("converts Celsius to Fahrenheit", "def to_fahrenheit(c):", "c * 9 / 5 + 32"),
    ("returns the absolute value of a number", "def absolute(x):", "-x if x < 0 else x"),
    ("removes duplicates from a list", "def unique(items):", "list(set(items))"),
    ("calculates the average of a list", "def average(numbers):", "sum(numbers) / len(numbers)"),
    ("returns the last item of a list", "def last_item(items):", "items[-1]"),
)

_SIMPLE: Final = (
    ("adds two numbers", "add", "Add", 2, "a + b"),
    ("subtracts two numbers", "subtract", "Subtract", 2, "a - b"),
    ("multiplies two numbers", "multiply", "Multiply", 2, "a * b"),
    ("squares a number", "square", "Square", 1, "a * a"),
    ("doubles a number", "twice", "Twice", 1, "a + a"),
)

_OPENINGS: Final = {
    "c": ("int {name}(int a) {{", "int {name}(int a, int b) {{"),
    "cpp": ("long {name}(long a) {{", "long {name}(long a, long b) {{"),
    "csharp": ("static int {Name}(int a) {{", "static int {Name}(int a, int b) {{"),
    "go": ("func {name}(a int) int {{", "func {name}(a int, b int) int {{"),
    "java": ("public static int {name}(int a) {{", "public static int {name}(int a, int b) {{"),
    "javascript": ("function {name}(a) {{", "function {name}(a, b) {{"),
    "kotlin": ("fun {name}(a: Int): Int {{", "fun {name}(a: Int, b: Int): Int {{"),
    "rust": ("fn {name}(a: i32) -> i32 {{", "fn {name}(a: i32, b: i32) -> i32 {{"),
    "swift": ("func {name}(a: Int) -> Int {{", "func {name}(a: Int, b: Int) -> Int {{"),
    "typescript": ("function {name}(a: number): number {{", "function {name}(a: number, b: number): number {{"),
}
_WITHOUT_SEMICOLON: Final = frozenset({"go", "kotlin", "swift"})

_MAIN: Final = (
    Snippet("rust", "prints a greeting", "fn main() {", '\n    println!("Hello, world!");\n}'),
    Snippet("c", "prints a greeting", "int main(void) {", '\n    puts("Hello, world!");\n    return 0;\n}'),
    Snippet("kotlin", "prints a greeting", "fun main() {", '\n    println("Hello, world!")\n}'),
    Snippet("go", "prints a greeting", "func main() {", '\n    fmt.Println("Hello, world!")\n}'),
    Snippet("javascript", "prints a greeting", "function main() {", '\n    console.log("Hello, world!");\n}'),
)


def _simple(language: str) -> list[Snippet]:
    snippets = []
    for task, name, pascal_name, count, expression in _SIMPLE:
        opening = _OPENINGS[language][count - 1].format(name=name, Name=pascal_name)
        if language == "rust":
            statement = expression
        else:
            statement = f"return {expression}" + ("" if language in _WITHOUT_SEMICOLON else ";")
        snippets.append(Snippet(language, task, opening, f"\n    {statement}\n}}"))
    return snippets


SNIPPETS: Final = (
    *(Snippet("python", task, opening, f"\n    return {value}") for task, opening, value in _PYTHON),
    *(snippet for language in _OPENINGS for snippet in _simple(language)),
    *_MAIN,
)
"""Every snippet; openings are distinct."""
