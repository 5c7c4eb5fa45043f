#Requires -Version 7.4
<#
.SYNOPSIS
    The main job on this machine alone: made-up customers, the embedded simulator, an export, and a check of every contact.
.PARAMETER Profiles
    How many customers to make.
#>
[CmdletBinding()]
param([int] $Profiles = 100000)

$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
$bench = Join-Path $root 'tests/CcExport.Benchmarks/bin/Release/net10.0/CcExport.Benchmarks.dll'
$work = Join-Path ([IO.Path]::GetTempPath()) "ccexport-demo-$([guid]::NewGuid().ToString('n'))"
$null = New-Item $work -ItemType Directory
# A home of its own: the demonstration leaves nothing in yours.
$env:CCEXPORT_HOME = Join-Path $work 'home'

function Show([string] $Command) { Write-Host "`nPS> $Command" -ForegroundColor Yellow }

try {
    Write-Host "Making $('{0:N0}' -f $Profiles) customers as a Customer Insights export folder (seeded: the same each time)."
    $folder = Join-Path $work 'export'
    dotnet $bench generate-folder $Profiles $folder
    if ($LASTEXITCODE -ne 0) { throw 'The data could not be made.' }

    Import-Module (Join-Path $root 'out/CcExport/CcExport.psd1')

    Show 'Start-CcSimulator | New-CcConnection -AcceptDataPrivacy'
    $simulator = Start-CcSimulator
    $simulator | New-CcConnection -AcceptDataPrivacy | Out-Host

    Show 'Get-CcSegment -Path ./export'
    Get-CcSegment -Path $folder | Out-Host

    Show "Set-CcExport -Name Demo -Connection Simulator -ListId $($simulator.ListId) -Path ./export -Map @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }"
    Set-CcExport -Name Demo -Connection Simulator -ListId $simulator.ListId -Path $folder -Map @{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' } | Out-Host

    Show 'Invoke-CcExport -Name Demo'
    $run = Invoke-CcExport -Name Demo
    $run | Out-Host

    Show "Get-CcRejection -RunId $($run.Id) | Group-Object Reason -NoElement"
    $rejections = @(Get-CcRejection -RunId $run.Id)
    $rejections | Group-Object Reason -NoElement | Sort-Object Count -Descending | Format-Table Count, Name | Out-Host

    Write-Host 'Checking the list against an independent reading of the same files (another parser, the rules written once more).'
    $held = Join-Path $work 'contacts.ndjson'
    Invoke-WebRequest "$($simulator.Url)admin/lists/$($simulator.ListId)/contacts.ndjson" -OutFile $held
    $check = dotnet $bench check $folder $held | ConvertFrom-Json
    $closes = $run.Read -eq $run.Invalid + $run.Duplicate + $run.Suppressed + $run.Unchanged + $run.Sent -and
        $run.Sent -eq $run.Accepted + $run.OptedOut + $run.Refused + $run.Unaccounted

    $balance = [ordered]@{
        'Read'                                        = $run.Read
        '= Invalid'                                   = $run.Invalid
        '+ Duplicate'                                 = $run.Duplicate
        '+ Sent'                                      = $run.Sent
        '  of these Accepted'                         = $run.Accepted
        '  OptedOut / Refused / Unaccounted'          = "$($run.OptedOut) / $($run.Refused) / $($run.Unaccounted)"
        'Contacts on the list'                        = $check.held
        'Missing, different or surplus on the list'   = "$($check.missing) / $($check.different) / $($check.surplus)"
        'Rejections with a reason'                    = @($rejections | Where-Object Kind -NE 'Noted').Count
    }
    $balance.GetEnumerator() | Format-Table @{ n = 'Balance'; e = 'Key' }, @{ n = ''; e = { if ($_.Value -is [string]) { $_.Value } else { '{0:N0}' -f $_.Value } }; a = 'right' } | Out-Host

    $reasons = ($rejections | Where-Object Kind -NE 'Noted' | Group-Object Reason | Sort-Object Name | ForEach-Object { "$($_.Name)=$($_.Count)" }) -join ' '
    $expected = ($check.reasons.PSObject.Properties | Sort-Object Name | ForEach-Object { "$($_.Name)=$($_.Value)" }) -join ' '
    if (-not $closes) { throw 'The balance does not close.' }
    if ($run.Status -ne 'Completed' -or $check.held -ne $run.Accepted) { throw "The run ended as $($run.Status) with $($run.Accepted) accepted; the list holds $($check.held)." }
    if ($check.missing + $check.different + $check.surplus -ne 0) { throw 'The list is not what the files say.' }
    if ($reasons -ne $expected) { throw "Reasons differ: $reasons, expected $expected." }
    Write-Host 'The balance closes, and the list holds exactly what an independent reading says.' -ForegroundColor Green
}
finally {
    if (Get-Module CcExport) { Stop-CcSimulator }
    Remove-Item $work -Recurse -Force -ErrorAction Ignore
}
