namespace CcExport.Simulator.Insights;

/// <summary>A column of the profiles, as Dataverse and as Customer Insights call it.</summary>
internal sealed record ProfileColumn(string Dataverse, string Insights, string DataverseType, string InsightsType, string Label, ProfileField Field)
{
    /// <summary>Those that the Customer Insights API has.</summary>
    public static readonly IReadOnlyList<ProfileColumn> All =
    [
        new("msdynci_customerid", "CustomerId", "String", "string", "Customer Id", ProfileField.CustomerId),
        new("msdynci_emailaddress1", "EMail", "String", "string", "E-mail", ProfileField.Email),
        new("msdynci_firstname", "FirstName", "String", "string", "First name", ProfileField.FirstName),
        new("msdynci_lastname", "LastName", "String", "string", "Last name", ProfileField.LastName),
        new("msdynci_city", "City", "String", "string", "City", ProfileField.City),
        new("msdynci_country", "Country", "String", "string", "Country", ProfileField.Country),
        new("msdynci_birthdate", "BirthDate", "DateTime", "dateTime", "Birth date", ProfileField.BirthDate),
        new("msdynci_points", "Points", "Integer", "int64", "Points", ProfileField.Points),
    ];

    /// <summary>Those of the table in Dataverse, which has an id of its own besides.</summary>
    public static readonly IReadOnlyList<ProfileColumn> OfTable = [.. All, new("msdynci_customerprofileid", "", "Uniqueidentifier", "", "Id", ProfileField.RowId)];

    /// <summary>As the start of a property in a row: <c>,"name":</c>.</summary>
    public byte[] DataversePrefix { get; } = System.Text.Encoding.UTF8.GetBytes($",\"{Dataverse}\":");

    /// <summary>The same for the other API.</summary>
    public byte[] InsightsPrefix { get; } = System.Text.Encoding.UTF8.GetBytes($",\"{Insights}\":");
}

internal enum ProfileField
{
    CustomerId,
    Email,
    FirstName,
    LastName,
    City,
    Country,
    BirthDate,
    Points,
    RowId,
}
