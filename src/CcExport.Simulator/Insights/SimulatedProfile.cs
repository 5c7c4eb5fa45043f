namespace CcExport.Simulator.Insights;

/// <summary>One unified profile, as a test sees it; null is a value that it does not have.</summary>
public sealed record SimulatedProfile
{
    /// <summary>Its id: 32 hexadecimal digits, or whatever a test wants.</summary>
    public required string CustomerId { get; init; }

    /// <summary>Its address, which may be malformed.</summary>
    public string? Email { get; init; }

    /// <summary>Its first name.</summary>
    public string? FirstName { get; init; }

    /// <summary>Its last name.</summary>
    public string? LastName { get; init; }

    /// <summary>Where it lives.</summary>
    public string? City { get; init; }

    /// <summary>Two letters.</summary>
    public string? Country { get; init; }

    /// <summary>A date.</summary>
    public string? BirthDate { get; init; }

    /// <summary>Points, a number.</summary>
    public int? Points { get; init; }

    /// <summary>The segments that its membership row lists; of profiles that a test wrote down.</summary>
    public IReadOnlyList<string> Segments { get; init; } = [];
}

/// <summary>A membership row that a test wrote down: whatever it wants the table to hold.</summary>
/// <param name="CustomerId">The id; null: the row has none.</param>
/// <param name="Segments">The text of the column with the segments.</param>
/// <param name="Type">Customer, Contact or Account.</param>
/// <param name="Provider">Who keeps the segment.</param>
public sealed record SimulatedMembership(string? CustomerId, string? Segments, string? Type = "Customer", string? Provider = "CustomerInsights");

/// <summary>A segment: a rule over the numbers of profiles.</summary>
public sealed record SimulatedSegment
{
    /// <summary>The name it is asked for by.</summary>
    public required string Name { get; init; }

    /// <summary>What people see; its name when not given.</summary>
    public string? FriendlyName { get; init; }

    /// <summary>Which of the computed profiles, numbered from 0, are members.</summary>
    public Func<long, bool> Has { get; init; } = static _ => false;

    /// <summary>The size that is told; null: the true one.</summary>
    public long? ToldSize { get; init; }

    /// <summary>active, inactive and the like.</summary>
    public string State { get; init; } = "active";

    /// <summary>When it was evaluated last.</summary>
    public DateTimeOffset EvaluatedAt { get; init; } = new(2026, 11, 20, 5, 0, 0, TimeSpan.Zero);

    /// <summary>CompletedSuccess, Running and the like.</summary>
    public string EvaluationStatus { get; init; } = "CompletedSuccess";
}
