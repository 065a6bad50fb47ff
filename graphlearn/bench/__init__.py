"""Recipes, runs, ledger, tables and reports."""

from graphlearn.bench.consistency import ConsistencyReport, audit_predictor
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe, Published, Recipe, SplitRecipe
from graphlearn.bench.recipe_files import find_recipe, model_names, recipe_names
from graphlearn.bench.recipe_yaml import load_recipe, recipe_text
from graphlearn.bench.run_result import RunResult
from graphlearn.bench.runs import RunInterrupted, resolve_recipes, run, run_recipes
from graphlearn.bench.saved_model import load_model, save_model
from graphlearn.bench.search_space import Space
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.study import StudyResult, tune
from graphlearn.bench.suggestion import GraphStatistics, Suggestion, suggest_recipe
from graphlearn.bench.table import Table, results_table

__all__ = [
    "ComponentRecipe",
    "ConsistencyReport",
    "GraphStatistics",
    "Ledger",
    "ModelRecipe",
    "Published",
    "Recipe",
    "RunInterrupted",
    "RunResult",
    "SeedResult",
    "Space",
    "SplitRecipe",
    "StudyResult",
    "Suggestion",
    "Table",
    "audit_predictor",
    "find_recipe",
    "load_model",
    "load_recipe",
    "model_names",
    "recipe_names",
    "recipe_text",
    "resolve_recipes",
    "results_table",
    "run",
    "run_recipes",
    "save_model",
    "suggest_recipe",
    "tune",
]
