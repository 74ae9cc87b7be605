module.exports = require('./temporary').remove;
