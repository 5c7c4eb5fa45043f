# Dot-sourced in the BeforeAll of each test file. The module is the staged one, the home a temporary folder.
$ErrorActionPreference = 'Stop'
$script:Root = Split-Path (Split-Path $PSScriptRoot)
$script:Stage = Join-Path $Root 'out/CcExport'
$script:Manifest = Join-Path $Stage 'CcExport.psd1'
if (-not $env:CCEXPORT_HOME) { throw 'CCEXPORT_HOME is not set: run the tests by build.ps1, which keeps them out of your own store.' }

# What an error carries besides its message, for one comparison.
function Get-ErrorFace([Management.Automation.ErrorRecord] $Record) {
    [pscustomobject]@{
        Id       = ($Record.FullyQualifiedErrorId -split ',')[0]
        Category = $Record.CategoryInfo.Category
        Message  = $Record.Exception.Message
        Remedy   = $Record.ErrorDetails.RecommendedAction
        Target   = $Record.TargetObject
    }
}

# Runs a script in a PowerShell of its own and returns its lines; throws with its errors when it fails.
function Invoke-Child([string] $Script, [string] $CcHome = $env:CCEXPORT_HOME) {
    $file = Join-Path ([IO.Path]::GetTempPath()) "ccexport-child-$([guid]::NewGuid().ToString('n')).ps1"
    Set-Content $file "`$ErrorActionPreference = 'Stop'`n`$env:CCEXPORT_HOME = '$CcHome'`n$Script"
    try {
        $lines = dotnet pwsh -NoProfile -NonInteractive -File $file 2>&1
        if ($LASTEXITCODE -ne 0) { throw "The child ended with $LASTEXITCODE`: $($lines -join [Environment]::NewLine)" }
        $lines
    }
    finally { Remove-Item $file }
}

function New-TempFolder {
    $folder = Join-Path ([IO.Path]::GetTempPath()) "ccexport-$([guid]::NewGuid().ToString('n'))"
    (New-Item $folder -ItemType Directory).FullName
}
